"""The contenders of the bench of training learn the same, so that their speeds compare."""

from pathlib import Path

from bench.finetune_throughput import measure, medians, ratios
from bench.peers.training.chats import TEMPLATE, write_chats


def test_all_contenders_learn_the_same_tokens(small: Path, tmp_path: Path) -> None:
    (small / "chat_template.jinja").write_text(TEMPLATE, "utf-8")
    write_chats(tmp_path / "chats.jsonl", 5)
    runs = measure(small, tmp_path / "chats.jsonl", ["ours", "TRL", "padded"], rounds=1)
    found = medians(runs)
    learned = {name: row["learned"] for name, row in found.items()}
    assert len(set(learned.values())) == 1 and learned["ours"] > 100
    assert found["padded"]["computed"] > found["TRL"]["computed"] >= learned["ours"]
    assert set(ratios(runs)) == {
        "speed: ours / TRL",
        "speed: ours / padded",
        "memory: ours / TRL",
    }
