"""Where everything lies in the core's one int64 arena.

The arena is a header, then sections of fixed-width rows. The header holds each section's offset and
capacity, so that compiled code takes the arena alone and Python can grow any section by copying.
Links between rows are row numbers, never addresses, so a copied section stays valid.
"""

from typing import Final

NONE: Final = -1
MAX_PRICE: Final = 1 << 40  # Ticks; a market order's limit is +-MAX_PRICE.
NO_BID: Final = -MAX_PRICE
NO_ASK: Final = MAX_PRICE

# --- sections: (name, words per row) -----------------------------------------------------------
SECTIONS: Final = (
    ("instrument", 128),
    ("level", 8),
    ("bitmap", 1),
    ("order", 8),
    ("cold", 16),
    ("account", 32),
    ("position", 4),
    ("trader", 16),
    ("heap", 4),
    ("out", 16),
    ("tape", 16),
    ("touch", 8),  # Ring of recent touches per instrument: what delayed views read.
    ("latency", 8),
    ("fee", 16),
    ("feed", 16),
    ("bucket", 2),  # Trades per second of the last five minutes, per instrument: count, sum.
    ("stopnode", 16),
    ("scratch", 1),
    ("population", 32),
    # The options market (decision 0010).
    ("holding", 4),  # Hashed positions in series.
    ("dealer", 64),
    ("quote", 16),  # What one dealer quotes in one series.
    ("inbound", 8),  # Rings of quotes under way to the exchange, one a dealer.
    ("recent", 4),  # Rings of a dealer's latest fills: what protection counts.
    ("package", 16),
    ("strategy", 32),
    ("leg", 2),  # Lists of the strategies in which an instrument is a leg.
)
(S_INSTRUMENT, S_LEVEL, S_BITMAP, S_ORDER, S_COLD, S_ACCOUNT, S_POSITION, S_TRADER, S_HEAP, S_OUT,
 S_TAPE, S_TOUCH, S_LATENCY, S_FEE, S_FEED, S_BUCKET, S_STOPNODE, S_SCRATCH,
 S_POPULATION, S_HOLDING, S_DEALER, S_QUOTE, S_INBOUND, S_RECENT, S_PACKAGE, S_STRATEGY,
 S_LEG) = range(27)  # fmt: skip
WIDTHS: Final = tuple(width for _, width in SECTIONS)

# --- header -------------------------------------------------------------------------------------
HEADER_WORDS: Final = 256
TAPE_OFF, TAPE_ALL, TAPE_FILLS = range(3)  # H_TAPE_MODE
H_MAGIC, H_VERSION, H_NOW, H_EVENT_SEQUENCE, H_TAPE_SEQUENCE, H_TRADE_SEQUENCE = range(6)
H_PRIORITY_SEQUENCE, H_ORDER_FREE, H_ORDER_BUMP, H_LIVE_ORDERS, H_LIVE_SLICES, H_STOPS = range(
    6, 12
)
H_HEAP_COUNT, H_TAPE_COUNT, H_OUT_COUNT, H_TAPE_MODE, H_INSTRUMENTS, H_ACCOUNTS = range(12, 18)
H_TRADERS, H_FEEDS, H_STOP_FREE, H_STOP_BUMP, H_ERROR, H_ERROR_DETAIL = range(18, 24)
H_OUT_NEXT, H_EVENTS, H_PEGS, H_MARKET_HALT_LEVEL, H_SEED, H_NEED_SECTION = range(24, 30)
H_NEED_ROWS, H_BOOK_EVENTS, H_WAKES, H_TRADES, H_REFUSED, H_SURVEY = range(30, 36)
H_LATENCY_FACTOR: Final = 36  # Millionths; 0 stands for 1.
# H_INSTRUMENTS counts the stocks, numbered from 0; the series of options follow them.
H_SERIES, H_DEALERS, H_QUOTES, H_HOLDINGS, H_TRIPPED, H_MASS_QUOTES, H_QUOTE_UPDATES = range(37, 44)
H_PACKAGE_FREE, H_PACKAGE_BUMP, H_PACKAGES, H_STRATEGIES, H_LEGS, H_CHAIN_FEEDS = range(44, 50)
H_TRIPS, H_STALE_STRATEGY, H_PACKAGE_TRADES, H_STALE = range(50, 54)
H_JUDGED, H_VERDICT = 54, 55  # Public id of the order that the broker judged last; 1: it may enter.
H_OFFSET: Final = 64  # H_OFFSET + section: first word of the section.
H_CAPACITY: Final = 96  # H_CAPACITY + section: rows it can hold.
H_LEGS_AT: Final = 128  # Where the sender of a package writes its legs: instrument, ratio, …
H_PRICES_AT: Final = 144  # Where a package's trade keeps its legs' prices.
MAGIC: Final = 0x4F555443
VERSION: Final = 2

# --- instrument ----------------------------------------------------------------------------------
(I_BASE, I_BASE_ASK, I_LEVELS, I_LEVELS_ASK, I_BITS, I_BITS_ASK, I_BEST, I_BEST_ASK,
 I_SHOWN_BID, I_SHOWN_BID_QUANTITY, I_SHOWN_ASK, I_SHOWN_ASK_QUANTITY) = range(12)  # fmt: skip
# Lists: head and tail, for the buy and then the sell side.
I_FAR, I_PEG, I_ON_OPEN, I_ON_CLOSE = 12, 16, 20, 24
I_FAR_COUNT, I_TRIGGERED, I_TRIGGERED_TAIL, I_WIDTH = 28, 29, 30, 31
I_STOP, I_TRAIL_TOP, I_TRAIL_HEAP = 32, 34, 36  # Buy, then sell.
(I_PHASE, I_LAST, I_LAST_HALF, I_LAST_CLOSE, I_OPEN_PRICE, I_VOLUME, I_TRADES, I_NOTIONAL,
 I_VALUE, I_THRESHOLD, I_STEP_LOW, I_STEP_HIGH, I_TICKS_PER_UNIT, I_TIER, I_BAND_LOWER,
 I_BAND_UPPER, I_BAND_REFERENCE, I_BAND_SINCE, I_LIMIT_SINCE, I_PAUSES, I_COLLAR_STEPS,
 I_COLLAR_LOWER, I_COLLAR_UPPER, I_TOUCH_FIRST, I_TOUCH_SIZE, I_TOUCH_COUNT, I_FEED_SEQUENCE,
 I_FEED_FIRST, I_BUCKET_FIRST, I_BUCKET_SECOND, I_BUCKET_COUNT, I_BUCKET_SUM, I_BORROW, I_LOCATED,
 I_DOUBLE_UNTIL, I_DOUBLE_FROM, I_LOCK_CLOSE, I_INDICATIVE, I_CLOSE_PRICE, I_AUCTIONS, I_UNDERLYING,
 I_KIND, I_HALT_UNTIL, I_BAND_SCHEDULED, I_CROSSED, I_PREVIOUS_LAST, I_DIRTY, I_DAY_OPEN_NS,
 I_PATH_FIRST, I_PATH_COUNT, I_PATH_START, I_FEED_DOWN, I_DAY_CLOSE_NS) = range(40, 93)  # fmt: skip
# Of a series; of a stock I_SERIES alone: its first series. Links are numbers plus one, 0 is none.
(I_MULTIPLIER, I_STRIKE, I_RIGHT, I_STYLE, I_SETTLEMENT, I_EXPIRY_DAY, I_LAST_TRADING_NS,
 I_OPEN_INTEREST, I_SERIES, I_QUOTES, I_LEGS, I_CLOSE_BID, I_CLOSE_ASK, I_OPEN_SINCE,
 I_OPEN_NS, I_RETIRED, I_LISTED_NS) = range(96, 113)  # fmt: skip
I_LIMITED_NS: Final = 113  # Of a stock: how long its limit states that are over lasted.
KIND_STOCK, KIND_OPTION = 0, 1  # I_KIND
RIGHTS: Final = ("call", "put")
STYLES: Final = ("american", "european")
SETTLEMENTS: Final = ("physical", "cash_am", "cash_pm")

# --- stop node: leftist heaps of waiting stops and of trailing groups ----------------------------
(N_KEY, N_SEQUENCE, N_SLOT, N_PARENT, N_LEFT, N_RIGHT, N_DISTANCE, N_GROUP, N_MARK, N_ROOT,
 N_BELOW, N_ABOVE) = range(12)  # fmt: skip

# --- feed ----------------------------------------------------------------------------------------
(FD_INSTRUMENT, FD_KIND, FD_INTERVAL, FD_TOPIC, FD_CLASS, FD_KEY, FD_COUNTER, FD_LAST_DELIVERY,
 FD_SENT_SEQUENCE, FD_NEXT, FD_SCHEDULED, FD_LAST_SENT, FD_LEVELS) = range(13)  # fmt: skip
FEED_QUOTES, FEED_TRADES, FEED_DEPTH, FEED_STATUS, FEED_CHAIN = range(5)

# --- latency class -------------------------------------------------------------------------------
# Spread in millionths (lognormal sigma, Pareto shape).
L_KIND, L_MEDIAN, L_SPREAD, L_CAP = range(4)
LAT_CONSTANT, LAT_NORMAL, LAT_LOGNORMAL, LAT_PARETO = range(4)

# --- fee row (micros per lot; rates in 1e-9 of notional; 1e-9 of a unit per lot) -----------------
(FE_MAKER, FE_TAKER, FE_AUCTION, FE_MAKER_RATE, FE_TAKER_RATE, FE_SELL_RATE, FE_SELL_PER_LOT,
 FE_SELL_CAP) = range(8)  # fmt: skip
FE_OPTIONS: Final = 8  # The same eight words again, for what is traded in contracts.

# --- touch ring row ------------------------------------------------------------------------------
(TO_TIME, TO_BID, TO_BID_QUANTITY, TO_ASK, TO_ASK_QUANTITY, TO_LAST, TO_VOLUME,
 TO_PHASE) = range(8)  # fmt: skip

# --- return codes of the compiled entries --------------------------------------------------------
# JUDGE: the next event is an order that the broker must judge first (see `broker_rule`).
DONE, DELIVER, TAPE_FULL, NEED_ROOM, BROKEN, WAKE, JUDGE = range(7)

# --- order: hot row (one cache line) --------------------------------------------------------------
O_META, O_PRICE, O_LEAVES, O_RESERVE, O_ACCOUNT, O_SEQUENCE, O_PREVIOUS, O_NEXT = range(8)
# --- order: cold row -----------------------------------------------------------------------------
# Its first cache line is all that a plain order ever needs to have read.
(C_GENERATION, C_ENTRY_NS, C_AHEAD, C_DISPLAY, C_TOTAL, C_FILLED, C_ACCOUNT_PREVIOUS,
 C_ACCOUNT_NEXT, C_STOP, C_EXPIRE, C_PARENT, C_TAG, C_LIMIT, C_STOP_NODE, C_RESERVED,
 C_LIST) = range(16)  # fmt: skip

# O_META packs what never or rarely changes.
META_INSTRUMENT_BITS: Final = 16
SIDE_SHIFT: Final = 16  # 0 buy, 1 sell
TYPE_SHIFT: Final = 17  # 4 bits
TIF_SHIFT: Final = 21  # 3 bits
STATE_SHIFT: Final = 24  # 4 bits
SELF_TRADE_SHIFT: Final = 28  # 3 bits
FLAG_SHIFT: Final = 32
BUY, SELL = 0, 1
(LIMIT, MARKET, MIDPOINT, STOP, STOP_LIMIT, TRAILING_STOP, ON_OPEN, ON_CLOSE) = range(8)
(DAY, IOC, FOK, GTC, GTD) = range(5)
(FREE, IN_FLIGHT, RESTING, FAR, STOP_WAITING, AUCTION_WAITING, PEGGED, AGGRESSING,
 IDLE) = range(9)  # fmt: skip
(CANCEL_NEWEST, CANCEL_OLDEST, CANCEL_BOTH, DECREMENT, ALLOW) = range(5)
F_HIDDEN: Final = 1
F_POST_REFUSE: Final = 2
F_POST_SLIDE: Final = 4
F_BAND_REFUSE: Final = 8
F_MARKETABLE: Final = 16  # A market-type on-open/on-close order or a triggered stop: no price.
F_CANCEL_PENDING: Final = 32
F_ANONYMOUS: Final = 64  # Mirror mode: the nameless quantity that a level was seeded with.
F_QUOTE: Final = 128  # A side of a dealer's quote: its slot stays when it trades out (IDLE).
F_LEG: Final = 256  # A leg of a package: made, filled and gone within one event.
F_BROKER: Final = 512  # Sent by the broker's office: it closes for an account, and is not judged.

# --- account -------------------------------------------------------------------------------------
(A_CASH, A_SETTLED, A_RESERVED, A_GROUP, A_FLAGS, A_FEE, A_OWNER, A_FIRST_ORDER, A_LAST_ORDER,
 A_ACK_CLASS, A_FILL_CLASS, A_KEY, A_ACK_COUNTER, A_ACK_LAST, A_FILL_COUNTER, A_FILL_LAST,
 A_ORDERS, A_CANCELS, A_FAST_CANCELS, A_TRADES, A_VOLUME, A_WASH, A_FEES_PAID, A_TRADER,
 A_LIVE, A_POPULATION, A_PROCEEDS, A_RECIPIENT, A_OPTION_PROCEEDS, A_MARGIN_REFUSED,
 A_HOLDINGS) = range(31)  # fmt: skip
ACCOUNT_GATED: Final = 1
ACCOUNT_CASH_ONLY: Final = 2
ACCOUNT_LOCATE: Final = 4  # Shorts need borrow.
ACCOUNT_CONTRA: Final = 8
ACCOUNT_MARGINED: Final = 16  # The broker judges its orders (see `broker_rule`).
ACCOUNT_CALLED: Final = 32  # Under a margin call: it may close alone.
ACCOUNT_LACKING: Final = 64  # Short of margin when the office last looked: the same for its quotes.
NO_OWNER: Final = -1  # Compiled traders and contra accounts: nobody is told.
# Contra accounts: every micro that leaves one account enters another.
(WORLD, EXCHANGE_FEES, REGULATOR, LENDER, ISSUER, INTEREST, ROUNDING, CUSTODY) = range(8)
FIRST_ACCOUNT: Final = 8

# --- trader --------------------------------------------------------------------------------------
# The stream KEY is the trader's own; the stream LINK its connection's: delays, observation noise.
(TR_KIND, TR_POPULATION, TR_ACCOUNT, TR_INSTRUMENT, TR_KEY, TR_COUNTER, TR_LINK,
 TR_LINK_COUNTER, TR_LAST_ARRIVAL, TR_VIEW_TIME, TR_BELIEF, TR_STATE, TR_SIDE, TR_COUNT, TR_MEMORY,
 TR_OWNER) = range(16)  # fmt: skip
# Of traders of options: a dealer's number, and up to when an actor has seen the series' touches.
TR_DEALER, TR_SEEN = TR_SIDE, TR_COUNT
(REMOTE, NOISE, VALUE, MOMENTUM, ADAPTIVE_MAKER, HAWKES, SPOOFER, IGNITION, OPTION_DEALER,
 OPTION_USER, OPTION_SURVEY) = range(11)  # fmt: skip
TRADER_KINDS: Final = (
    "remote", "noise", "value", "momentum", "adaptive_maker", "hawkes", "spoofer", "ignition",
    "option_dealer", "option_user", "option_survey",
)  # fmt: skip

# --- position (dense: account * instruments + instrument) ----------------------------------------
P_QUANTITY, P_COST, P_WORKING_SELL = range(3)  # Lots; net micros paid since the start; lots.
P_KEY: Final = 3  # Of a holding (a position in a series): (account << 16 | series) + 1; 0 is free.

# --- dealer: an account that may quote -----------------------------------------------------------
(DE_ACCOUNT, DE_FIRST, DE_COUNT, DE_UNDERLYING, DE_TRADER, DE_ARMED, DE_RING_FIRST, DE_RING_SIZE,
 DE_RING_READ, DE_RING_WRITE, DE_RECENT_FIRST, DE_RECENT_SIZE, DE_RECENT_READ, DE_RECENT_WRITE,
 DE_CONTRACTS_MAX, DE_DELTA_MAX, DE_VEGA_MAX, DE_WINDOW_NS, DE_CONTRACTS, DE_DELTA, DE_VEGA,
 DE_TRIPPED, DE_TRIPPED_NS, DE_TRIPS, DE_MESSAGES, DE_UPDATES, DE_REFUSED, DE_SIZE_MIN,
 DE_WIDTH_PERCENT, DE_FILLS, DE_VOLUME) = range(31)  # fmt: skip
MEASURES: Final = ("contracts", "delta", "vega")  # DE_TRIPPED: the measure's place plus one.
# --- quote: one dealer in one series. QU_SENT: what the dealer sent last, seen by him alone. ------
(QU_DEALER, QU_INSTRUMENT, QU_BID_SLOT, QU_ASK_SLOT, QU_NEXT, QU_DELTA, QU_VEGA, QU_MET,
 QU_MET_SINCE, QU_MET_NS, QU_BREACHES, QU_UPDATES, QU_SENT_BID, QU_SENT_BID_QUANTITY, QU_SENT_ASK,
 QU_SENT_ASK_QUANTITY) = range(16)  # fmt: skip
# --- inbound: one quote under way. IN_INDEX: its place among the dealer's series. -----------------
(IN_INDEX, IN_BID, IN_BID_QUANTITY, IN_ASK, IN_ASK_QUANTITY, IN_DELTA, IN_VEGA) = range(7)
# --- recent: one fill of a quote -----------------------------------------------------------------
RE_TIME, RE_CONTRACTS, RE_DELTA, RE_VEGA = range(4)
# --- package: an order for a strategy; strategy: its legs and the packages that wait -------------
(PK_STATE, PK_STRATEGY, PK_SIDE, PK_ACCOUNT, PK_PRICE, PK_LEAVES, PK_TIF, PK_TAG, PK_SEQUENCE,
 PK_PREVIOUS, PK_NEXT, PK_GENERATION, PK_ENTRY_NS, PK_FLIPPED, PK_FILLED) = range(15)  # fmt: skip
LEGS_MAX: Final = 6
PRESENT_PRICE: Final = MAX_PRICE  # In a package's replace: the net price that it has.
# A strategy's packages wait in two lists, best first. From ST_LEGS on, for each leg: instrument;
# what its price counts in the net price (negative where the buyer sells); lots to one unit.
ST_COUNT, ST_BUYS, ST_SELLS, ST_STALE, ST_NEXT_STALE = range(5)
ST_LEGS: Final = 8
# T_TYPE of a "package" row; LEG rows tell a strategy's legs when it is first seen.
PACKAGE_ROWS: Final = ("enter", "rest", "fill", "cancel", "refuse", "leg", "reduce", "move")
(PR_ENTER, PR_REST, PR_FILL, PR_CANCEL, PR_REFUSE, PR_LEG, PR_REDUCE, PR_MOVE) = range(8)
LG_STRATEGY, LG_NEXT = range(2)

# --- event kinds in the heap ---------------------------------------------------------------------
(E_ARRIVE, E_CANCEL, E_REPLACE, E_CANCEL_ALL, E_WAKE, E_FEED, E_PHASE, E_INDICATIVE, E_EXPIRE,
 E_LIMIT_STATE, E_REOPEN, E_BAND, E_CANCEL_LAST, E_HALT, E_CALLBACK, E_MASS_QUOTE, E_OUTAGE,
 E_LATENCY, E_RECALL, E_PURGE, E_REARM, E_PACKAGE, E_PACKAGE_CANCEL,
 E_STRATEGY, E_SURVEY, E_PACKAGE_REPLACE) = range(26)  # fmt: skip
HEAP_TIME, HEAP_SEQUENCE, HEAP_KIND_A, HEAP_B = range(4)

# --- phases --------------------------------------------------------------------------------------
(PRE_OPEN, OPENING_AUCTION, CONTINUOUS, CLOSING_AUCTION, POST_CLOSE, CLOSED, HALTED,
 REOPENING_AUCTION) = range(8)  # fmt: skip
PHASES: Final = (
    "pre_open", "opening_auction", "continuous", "closing_auction", "post_close", "closed",
    "halted", "reopening_auction",
)  # fmt: skip

# --- tape rows: little-endian int64, one file of 128-byte rows -----------------------------------
TAPE_COLUMNS: Final = (
    "sequence", "exchange_ns", "kind", "instrument", "order_id", "account", "side", "order_type",
    "time_in_force", "price", "quantity", "leaves", "counterparty_order_id", "liquidity",
    "ahead", "parent",
)  # fmt: skip
(T_SEQUENCE, T_TIME, T_KIND, T_INSTRUMENT, T_ORDER, T_ACCOUNT, T_SIDE, T_TYPE, T_TIF, T_PRICE,
 T_QUANTITY, T_LEAVES, T_COUNTERPARTY, T_LIQUIDITY, T_AHEAD, T_PARENT) = range(16)  # fmt: skip
# Kinds. ENTER: an order reached the exchange (quantity: total; `order_type` carries flags << 8,
# where
# a display size below the total is given by a following DISPLAY row). REST: it (or its remainder)
# joined a queue at `price` with `leaves` displayed and `ahead` in front. FILL: one match; order_id
# and account are the resting order's, `side` its side, counterparty the aggressor's order (in an
# auction: the sell order; order_id the buy order), leaves what the resting order still has in all.
# CANCEL: out, `quantity` withdrawn, liquidity holds the reason code. REDUCE: smaller at the same
# place. REFILL: an iceberg showed its next slice at the back of its queue (leaves: shown now).
# MOVE: re-entered at another price (replace, slide, band). TRIGGER: a stop went off.
TAPE_KINDS: Final = (
    "enter", "display", "rest", "fill", "cancel", "reduce", "refill", "move", "trigger", "refuse",
    "phase", "auction", "bands", "indicative", "print", "clearing", "quote", "purge", "package",
)  # fmt: skip
(K_ENTER, K_DISPLAY, K_REST, K_FILL, K_CANCEL, K_REDUCE, K_REFILL, K_MOVE, K_TRIGGER, K_REFUSE,
 K_PHASE, K_AUCTION, K_BANDS, K_INDICATIVE, K_PRINT, K_CLEARING, K_QUOTE, K_PURGE,
 K_PACKAGE) = range(19)  # fmt: skip
LIQUIDITY: Final = ("maker_displayed", "maker_hidden", "midpoint", "auction", "none", "package")
LIQ_DISPLAYED, LIQ_HIDDEN, LIQ_MIDPOINT, LIQ_AUCTION, LIQ_NONE, LIQ_PACKAGE = range(6)
HALF_TICK: Final = 16  # Added to the liquidity flag of a print half a tick above `price`.
# Added where the counterparty is a leg of a package that had waited longer than the resting order:
# that leg is the maker, and the resting order the one that came.
OLDER_PACKAGE: Final = 32

# --- reasons (cancel and refuse) -----------------------------------------------------------------
REASONS: Final = (
    "requested", "ioc_remainder", "fok_unfilled", "no_liquidity", "self_trade", "day_end",
    "expired",
    "post_only_would_take", "outside_bands", "phase_closed", "halted", "bad_price_increment",
    "bad_quantity", "unknown_order", "replaced_below_filled", "auction_unfilled", "auction_over",
    "cancel_too_late", "no_borrow", "unsettled_funds", "gated_account", "bad_order", "limit_state",
    "market_halt", "corporate_action", "withdrawn", "displaced", "margin", "maker_protection",
    "purged", "drill_through", "bad_package", "order_type", "too_many_quotes",
)  # fmt: skip
(R_REQUESTED, R_IOC, R_FOK, R_NO_LIQUIDITY, R_SELF_TRADE, R_DAY_END, R_EXPIRED, R_POST_ONLY,
 R_BANDS, R_PHASE, R_HALTED, R_INCREMENT, R_QUANTITY, R_UNKNOWN, R_BELOW_FILLED, R_AUCTION_UNFILLED,
 R_AUCTION_OVER, R_TOO_LATE, R_NO_BORROW, R_UNSETTLED, R_GATED, R_BAD_ORDER, R_LIMIT_STATE,
 R_MARKET_HALT, R_CORPORATE, R_WITHDRAWN, R_DISPLACED, R_MARGIN, R_PROTECTION,
 R_PURGED, R_DRILL_THROUGH, R_BAD_PACKAGE, R_ORDER_TYPE, R_TOO_MANY_QUOTES) = range(34)  # fmt: skip

# --- out rows: what an actor is told -------------------------------------------------------------
(X_DELIVERY_NS, X_RECIPIENT, X_KIND, X_ORDER, X_TAG, X_INSTRUMENT, X_SIDE, X_PRICE, X_QUANTITY,
 X_LEAVES, X_FEE, X_LIQUIDITY, X_EXCHANGE_NS, X_SEQUENCE, X_EXTRA, X_CAUSE) = range(16)  # fmt: skip
(M_ACCEPTED, M_REFUSED, M_FILLED, M_CANCELLED, M_REPLACED, M_TRIGGERED, M_QUOTE, M_TRADE, M_DEPTH,
 M_PHASE, M_BANDS, M_INDICATIVE, M_WAKE, M_CALLBACK, M_CHAIN, M_QUOTE_FILLED, M_QUOTE_WITHDRAWN,
 M_QUOTES_REFUSED, M_QUOTES_PULLED, M_REARMED, M_PACKAGE_ACCEPTED, M_PACKAGE_REFUSED, M_LEG_FILLED,
 M_PACKAGE_FILLED, M_PACKAGE_CANCELLED, M_PACKAGE_REPLACED,
 M_PACKAGE_REQUEST_REFUSED) = range(27)  # fmt: skip
# What a trader of options who is an actor sees: a row a series that changed (X_INSTRUMENT: its
# place in the table), then of a dealer what it has there and how it stands, then the wake-up.
M_SEEN, M_OWN, M_STANDING, M_CHAIN_WAKE = range(27, 31)
OWN_HELD, OWN_BID_LEFT, OWN_ASK_LEFT = X_ORDER, X_TAG, X_SIDE
STANDS_ARMED, STANDS_FILLS, STANDS_ROOM = X_ORDER, X_TAG, X_SIDE
# Market-data rows use the words between recipient and time for their own fields.
(Q_BID, Q_BID_QUANTITY, Q_ASK, Q_ASK_QUANTITY, Q_LAST, Q_VOLUME) = (
    X_ORDER, X_TAG, X_SIDE, X_PRICE, X_QUANTITY, X_LEAVES,
)  # fmt: skip
Q_FIRST_SEQUENCE, Q_LAST_SEQUENCE = X_EXTRA, X_SEQUENCE
# A trader's view has the touch there too, and besides it its population's hours and what it holds.
W_OPENS, W_CLOSES, W_INVENTORY = X_FEE, X_SEQUENCE, X_CAUSE
# Whether there is a touch at all, and whether the stock traded then.
W_STATE = X_LIQUIDITY
VIEW_NONE, VIEW_WAITING, VIEW_TRADING = range(3)
