"""The first section of a report: whether the archive is whole, correct and soundly split."""

from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from benkit.inventory.audit import Audit
from benkit.inventory.findings import KINDS
from benkit.reporting.page.markup import escape, percent, section
from benkit.splits.evaluation import Evaluation
from benkit.splits.warnings import soundness

Answer = tuple[str, bool, str]
"""A question, whether its answer is yes, and why."""


def verdict_section(
    audit: Audit | None, patch_ids: pa.StringArray, splits: Mapping[str, Evaluation]
) -> str:
    """Judge the archive in one sentence, then answer each question with its numbers.

    The patch ids are those of the metadata. The splits are ``this split`` and ``random``, or none.
    """
    answers = list(_answers(audit, splits))
    if audit is None:
        kind, said = "", "No archive was looked at."
        told = f"This page tells what the metadata of {len(patch_ids):,} patches says."
    else:
        kind = "bad" if len(audit.findings) else "good"
        said = {
            (True, True): "The archive is whole and correct.",
            (False, True): "The archive is not whole; what is there is correct.",
            (True, False): "The archive is whole, but not correct.",
            (False, False): "The archive is neither whole nor correct.",
        }[answers[0][1], answers[1][1]]
        told = _told(audit, patch_ids)
    items = "".join(
        f'<div class="{"good" if yes else "bad"}"><dt>{question} '
        f"<b>{'Yes' if yes else 'No'}</b></dt><dd>{escape(why)}</dd></div>"
        for question, yes, why in answers
    )
    return section(
        "verdict",
        "Verdict",
        f'<div class="verdict {kind}"><strong>{said}</strong><p>{told}</p></div>',
        f'<dl class="answers">{items}</dl>' if items else "",
    )


def _told(audit: Audit, patch_ids: pa.StringArray) -> str:
    found = pc.is_in(patch_ids, audit.findings["patch_id"].unique())
    sound = len(patch_ids) - (pc.sum(found).as_py() or 0)
    share = f" ({percent(sound / len(patch_ids))})" if len(patch_ids) else ""
    return (
        f"{audit.patches:,} patches on disk, {len(patch_ids):,} in the metadata; "
        f"{sound:,} of these{share} are without a finding."
    )


def _answers(audit: Audit | None, splits: Mapping[str, Evaluation]) -> Iterator[Answer]:
    if audit is not None:
        missing, wrong = _counted(audit, incomplete=True), _counted(audit, incomplete=False)
        yield "Whole?", not missing, missing or "Every patch and every band is there to be read."
        yield "Correct?", not wrong, wrong or "All that is there is as it should be."
    if splits:
        yield "Split sound?", *soundness(splits["this split"], splits["random"])


def _counted(audit: Audit, *, incomplete: bool) -> str:
    """Kinds that occur, the most frequent first."""
    kinds = [kind for kind in KINDS.values() if kind.incomplete == incomplete]
    kinds.sort(key=lambda kind: -audit.counts[kind.name])
    counts = [(kind.title, audit.counts[kind.name]) for kind in kinds]
    texts = [f"{title} {count:,}" for title, count in counts if count]
    return f"Patches by kind of finding: {', '.join(texts)}." if texts else ""
