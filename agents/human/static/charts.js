// Charts are drawn by a large script; it is fetched after the first card stands, and kept.

let loading = null;

export function loadCharts() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `/static/${document.querySelector('meta[name="panel-charts"]').content}`;
    script.addEventListener("load", () => resolve(globalThis.Plotly));
    script.addEventListener("error", () => {
      loading = null;
      reject(new Error("the chart script did not come"));
    });
    document.head.append(script);
  });
  return loading;
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function layout(more) {
  const grid = colour("--line");
  const axis = { gridcolor: grid, zerolinecolor: colour("--edge"), linecolor: grid, automargin: true };
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: "system-ui, sans-serif", size: 11, color: colour("--soft") },
    margin: { l: 44, r: 8, t: 6, b: 34 }, legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
    hovermode: "x unified", hoverlabel: { bgcolor: colour("--card"), font: { color: colour("--ink") } },
    ...more, xaxis: { ...axis, ...more.xaxis }, yaxis: { ...axis, ...more.yaxis },
  };
}

const QUIET = { responsive: true, displaylogo: false, displayModeBar: false };

export async function drawPayoff(place, told) {
  const plotly = await loadCharts();
  const data = [
    { x: told.prices, y: told.now, name: "if it moved now", line: { color: colour("--accent"), width: 2 } },
  ];
  if (told.expiry.length) {
    data.push({ x: told.prices, y: told.expiry, name: "at expiry", line: { color: colour("--sell"), width: 2, dash: "dot" } });
  }
  await plotly.react(place, data, layout({
    xaxis: { title: { text: "price of the stock, $" } }, yaxis: { title: { text: "profit, $" } },
    shapes: [{ type: "line", x0: told.spot, x1: told.spot, yref: "paper", y0: 0, y1: 1, line: { color: colour("--edge"), dash: "dash", width: 1 } }],
  }), QUIET);
}

export async function drawPreview(place, told) {
  const plotly = await loadCharts();
  const all = [...told.without, ...told.with];
  const [start, end] = [Math.min(...all), Math.max(...all)];
  const xbins = { start, end: end + 1e-6, size: (end - start) / 10 || 1 }; // The same for both.
  await plotly.react(place, [
    { x: told.without, xbins, name: "without the order", type: "histogram", opacity: 0.6, marker: { color: colour("--edge") } },
    { x: told.with, xbins, name: "with the order", type: "histogram", opacity: 0.6, marker: { color: colour("--accent"), pattern: { shape: "/" } } },
  ], layout({ barmode: "overlay", xaxis: { title: { text: "P&L after the horizon, $" } }, yaxis: { title: { text: "worlds" } } }), QUIET);
}
