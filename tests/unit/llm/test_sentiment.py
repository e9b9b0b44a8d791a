"""The classifier that ships, and how headlines are taken apart."""

import numpy as np
import pytest

from llm.sentiment.classifier import MOODS, Classifier, shipped_classifier
from llm.sentiment.evaluate import macro_f1, scores
from llm.sentiment.features import features_of, words_of
from llm.sentiment.headlines import headlines
from tests.shared_data import shared


def test_what_is_particular_becomes_one_word() -> None:
    words = words_of("$ aapl up 3.2% says @bob, 4,000 jobs! https://x.y/z at_user +1%")
    assert words == [
        "<ticker>", "up", "<%>", "says", "<user>", "<number>", "jobs", "!", "<user>", "<+%>",
    ]  # fmt: skip


def test_features_are_words_and_pairs_each_once() -> None:
    assert features_of("cut cut cut") == ["cut", "cut cut"]


def test_one_text_and_many_are_judged_alike() -> None:
    classifier = shipped_classifier()
    texts = ["Apple beats expectations, raises outlook", "Fraud probe sinks shares", ""]
    many = classifier.probabilities(texts)
    for row, text in zip(many, texts, strict=True):
        assert [classifier.mood(text)[mood] for mood in MOODS] == pytest.approx(row.tolist())


def test_plain_moods_are_told_apart() -> None:
    texts = ["Upgraded to buy, price target raised", "Downgraded to sell, price target cut"]
    assert shipped_classifier().moods(texts) == ["bullish", "bearish"]


def test_weights_of_the_wrong_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="weights of 2 features"):
        Classifier(["a", "b"], np.zeros((3, 3)), np.zeros(3))


def test_macro_f1_is_the_mean_over_classes() -> None:
    assert macro_f1([0, 0, 1, 2], [0, 1, 1, 1], 3) == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)


def test_the_parts_share_no_headline() -> None:
    folder = shared("data/text/twitter_financial_news_sentiment_train.csv.gz").parents[2]
    parts = [{row.text for row in headlines(folder, part)} for part in ("train", "tune", "test")]
    assert len(set().union(*parts)) == sum(map(len, parts))
    assert sum(map(len, parts)) > 9_000


def test_the_classifier_beats_the_lexicon_by_ten_points() -> None:
    folder = shared("data/text/Loughran_and_McDonald_2014.cat").parents[2]
    classifier, lexicon, majority = scores(folder)
    assert classifier.macro_f1 >= lexicon.macro_f1 + 0.10
    assert lexicon.macro_f1 > majority.macro_f1
