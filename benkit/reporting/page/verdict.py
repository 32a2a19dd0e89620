"""The first section of a report: whether the archive is whole, correct and soundly split."""

from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from benkit.inventory.audit import Audit
from benkit.inventory.duplicates import Duplicates
from benkit.inventory.findings import KINDS
from benkit.reporting.page.commands import Commands, command_block
from benkit.reporting.page.markup import escape, percent, section
from benkit.splits.evaluation import Evaluation
from benkit.splits.warnings import soundness

Answer = tuple[str, str, str, str, tuple[str, list[str]]]
"""A question, how good its answer is (``good``, ``near`` or ``bad``), the answer, why, and what to do
next: in words and in command lines."""


def verdict_section(
    audit: Audit | None,
    patch_ids: pa.ChunkedArray,
    splits: Mapping[str, Evaluation],
    copies: Duplicates | None = None,
    commands: Commands | None = None,
) -> str:
    """Judge the archive in one sentence, then answer each question with its numbers.

    An answer that is not good says what to do next.

    The patch ids are those of the metadata. The splits are ``this split`` and ``random``, or none.
    """
    answers = list(_answers(audit, splits, copies, commands or Commands()))
    if audit is None:
        kind, said = "", "No archive was looked at."
        told = f"This page tells what the metadata of {len(patch_ids):,} patches says."
    else:
        kind = "bad" if len(audit.findings) else "good"
        which = "What is here of the metadata" if audit.subset else "The archive"
        said = {
            ("good", "good"): f"{which} is whole and correct.",
            ("bad", "good"): f"{which} is not whole; what is there is correct.",
            ("good", "bad"): f"{which} is whole, but not correct.",
            ("bad", "bad"): f"{which} is neither whole nor correct.",
        }[answers[0][1], answers[1][1]]
        told = f"{said} {_told(audit, patch_ids)}"
        said = f"{audit.scarcity}." if audit.scarcity else _sentence(audit)
    items = "".join(
        f'<div class="{step}"><dt>{question} <b>{answer}</b></dt><dd>{escape(why)}</dd>'
        f"{_next_step(*to_do) if step != 'good' else ''}</div>"
        for question, step, answer, why, to_do in answers
    )
    return section(
        "verdict",
        "Verdict",
        f'<div class="verdict {kind}"><strong>{said}</strong><p>{told}</p></div>',
        f'<dl class="answers">{items}</dl>' if items else "",
    )


def _next_step(words: str, lines: list[str]) -> str:
    return f'<dd class="next">{escape(words)}{command_block(lines)}</dd>'


def _sentence(audit: Audit) -> str:
    """What to tell others: first of damage that nobody is told of who opens the files."""
    closed = _named(audit, [kind.name for kind in KINDS.values() if kind.incomplete])
    of_bands = [k.name for k in KINDS.values() if k.about == "band" and not k.incomplete]
    silent = len(_named(audit, of_bands) - closed)
    if silent:
        one = silent == 1
        return (
            f"{silent:,} damaged {'patch' if one else 'patches'} of {audit.patches:,} "
            f"{'opens' if one else 'open'} without an error."
        )
    if closed:
        absent = 0 if audit.subset else audit.counts["not_on_disk"]
        total = audit.patches + absent
        return f"{len(closed):,} of {total:,} patches {_be(closed)} not there as a whole."
    if others := _named(audit, list(KINDS)):
        return f"{len(others):,} of {audit.patches:,} patches {_be(others)} not as they should be."
    here = " here" if audit.subset else ""
    return f"All {audit.patches:,} patches{here} are whole and correct."


def _be(patches: set[str]) -> str:
    return "is" if len(patches) == 1 else "are"


def _named(audit: Audit, kinds: list[str]) -> set[str]:
    """Patches with findings of some kinds."""
    found = audit.listed.filter(pc.is_in(audit.listed["kind"], pa.array(kinds, pa.string())))
    return set(found["patch_id"].drop_null().to_pylist())


def _told(audit: Audit, patch_ids: pa.ChunkedArray) -> str:
    """How many patches there are, and how many of the metadata, or of its part here, are sound."""
    total, these = len(patch_ids), "these"
    if audit.subset or audit.scarcity:
        total, these = total - audit.counts["not_on_disk"], "those here"
    found = pc.is_in(patch_ids, audit.listed["patch_id"].unique())
    sound = total - (pc.sum(found).as_py() or 0)
    share = f" ({percent(sound / total)})" if total else ""
    return (
        f"{audit.patches:,} patches on disk, {len(patch_ids):,} in the metadata; "
        f"{sound:,} of {these}{share} are without a finding."
    )


def _answers(
    audit: Audit | None,
    splits: Mapping[str, Evaluation],
    copies: Duplicates | None,
    commands: Commands,
) -> Iterator[Answer]:
    if audit is not None:
        missing, wrong = _counted(audit, incomplete=True), _counted(audit, incomplete=False)
        whole = "Every patch and every band is there to be read."
        again = "Download again what again.csv lists; the folder clean gets what is sound:"
        yield "Whole?", *_yes_or_no(missing, whole), (again, commands.clean(missing=True))
        right = "All that is there is as it should be."
        clean = "Train without them; the folder clean gets what is sound:"
        yield "Correct?", *_yes_or_no(wrong, right), (clean, commands.clean())
    if copies is not None:
        found = copies.total
        step = "bad" if found.across_sides else "near" if found.groups else "good"
        listed = ("See which they are:", commands.copies())
        yield "Free of copies?", step, "No" if found.groups else "Yes", copies.sentence, listed
    if splits:
        step, answer, why = soundness(splits["this split"], splits["random"])
        words = "lie further apart" if step == "near" else "share no ground"
        other = (f"Make one whose sides {words}:", commands.new_split(buffer=step == "near"))
        yield "Split sound?", step, answer, why, other


def _yes_or_no(wrong: str, right: str) -> tuple[str, str, str]:
    return ("bad", "No", wrong) if wrong else ("good", "Yes", right)


def _counted(audit: Audit, *, incomplete: bool) -> str:
    """Kinds that occur, the most frequent first."""
    kinds = [kind for kind in KINDS.values() if kind.incomplete == incomplete]
    kinds.sort(key=lambda kind: -audit.counts[kind.name])
    counted = {kind.name: audit.counts[kind.name] for kind in kinds}
    here = ""
    if audit.subset or audit.scarcity:
        absent = counted.pop("not_on_disk", 0)
        here = f"{audit.in_metadata - absent:,} of {audit.in_metadata:,} patches are here. "
    texts = [f"{KINDS[name].title} {count:,}" for name, count in counted.items() if count]
    told = f"Patches by kind of finding: {', '.join(texts)}." if texts else ""
    return (here if audit.scarcity and incomplete else "") + told
