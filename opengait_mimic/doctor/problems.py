"""The kinds of problem that `check data` knows: what each means, and how it is mended."""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """A kind of problem: does it fail the check, what it means, and the mend."""

    fails: bool
    means: str
    mend: str


class Problem(NamedTuple):
    """One finding: the name of its kind, the path below the root (or what else it is about), what was found, and how bad it is among
    those of its kind (larger is worse)."""

    kind: str
    where: str
    found: str
    weight: float = 0.0


AGAIN = "prepare these sequences again (OpenGait: datasets/pretreatment.py), or copy them again from where they are whole"

KINDS = {
    "forbidden": Kind(
        True,
        "pickles that ask Python to run something; nothing was run",
        "do not load them with pickle or numpy: delete them, and find out where they come from. Only arrays of numbers belong here; a torch"
        " tensor is written with pickle.dump(tensor.numpy(), file)",
    ),
    "unreadable": Kind(True, "files or folders that cannot be read", "mend the permissions (chmod -R u+rX DIR), the link or the disk"),
    "loop": Kind(True, "links to a folder above themselves", "remove the links"),
    "truncated": Kind(True, "files that end before their array does", f"the writing or the copying was cut short: {AGAIN}"),
    "empty": Kind(True, "files of 0 bytes", f"the writing failed, perhaps on a full disk: {AGAIN}"),
    "not a pickle": Kind(True, "files that are no pickles, whatever they are called", "write arrays: pickle.dump(array, file, protocol=4)"),
    "damaged": Kind(True, "pickles that contradict themselves", AGAIN),
    "objects": Kind(
        True,
        "arrays of Python objects",
        "mostly frames of several sizes in one array: bring them to one size, np.stack them and write the uint8 array",
    ),
    "not an array": Kind(True, "pickles that hold something other than an array of frames", "write the array [frames, height, width] itself"),
    "no frames": Kind(True, "arrays without frames", "remove these sequences, or prepare them again"),
    "not finite": Kind(True, "numbers that are not finite (NaN or infinite)", AGAIN),
    "depth": Kind(True, "pickles or folders at the wrong depth", "OpenGait reads DIR/<id>/<type>/<view>/*.pkl, exactly three folders deep: move them"),
    "stray": Kind(True, "files that are no sequences, where OpenGait stops at them", "remove them; for those of Windows and macOS: find DIR"
        " \\( -iname thumbs.db -o -name .DS_Store -o -iname desktop.ini -o -name '._*' \\) -delete"),
    "modalities": Kind(
        True,
        "sequences with another number of files than expected",
        "every file of a sequence is one input and needs its transform: remove the others, or choose with data_cfg.data_in_use",
    ),
    "unequal": Kind(True, "sequences whose inputs differ in frames", "the inputs of a sequence go frame by frame: prepare them together"),
    "sizes": Kind(True, "frames of another size than the rest", "a batch takes one size: prepare these again with the size of the others"),
    "geometry": Kind(
        True,
        "frames that do not become the size the configuration declares",
        "change model_cfg.geometry or the transform (BaseSilCuttingTransform makes 64x44 of 64x64 pickles, BaseSilTransform leaves them), or"
        " prepare the data at the size that is wanted",
    ),
    "transform": Kind(True, "frames that the configuration's transforms cannot take", "choose the transform of this kind of input, or other files"
        " with data_cfg.data_in_use"),
    "range": Kind(
        True,
        "values outside what the transforms make 0..1 of",
        "silhouettes are uint8 from 0 (background) to 255 (body), which the transforms divide by 255: multiply 0/1 data by 255 (a network fed"
        " with it sees all but nothing, and says nothing)",
    ),
    "blank": Kind(True, "sequences in which nothing is to be seen (all zero)", "remove them, or segment them again"),
    "missing": Kind(
        True,
        "identities of the partition without a sequence here; OpenGait leaves them out without a word",
        "fetch or prepare them, check how the folders are spelt, or write a partition of what there is",
    ),
    "both": Kind(True, "identities in TRAIN_SET and in TEST_SET", "a person who is trained on cannot be tested: keep one of the two"),
    "batch": Kind(True, "a training batch that cannot be filled", "lower P of trainer_cfg.sampler.batch_size = [P, K], or add identities"),
    "protocol": Kind(True, "a test that cannot be scored", "check data_cfg.dataset_name, how types are spelt, and PROBE_SET of the partition"),
    "short": Kind(False, "sequences with fewer frames than a training clip", "none needed: their frames are drawn more than once"),
    "blank frames": Kind(False, "sequences with frames in which nothing is to be seen", "none needed; many of them point at the segmentation"),
    "few": Kind(False, "training identities with fewer sequences than K", "none needed: their sequences are drawn more than once in a batch"),
    "unlisted": Kind(False, "identities that the partition does not name; nobody reads them", "none needed, or add them to the partition"),
    "repeated": Kind(False, "identities named twice in a half of the partition", "name them once: their sequences count twice"),
    "no mate": Kind(False, "probes without a mate in the gallery", "none needed; they lower or leave the score as the protocol says"),
    "hollow": Kind(False, "folders without a sequence in them", "remove them, or prepare what belongs there"),
    "type": Kind(False, "files of another type of number than most", "uint8 takes least room and time; a mixture points at two preparations"),
    "names": Kind(False, "names with characters that other programs trip over", "rename them with letters, digits, - and _"),
    "totals": Kind(False, "counts other than those published", "was all of it unpacked and prepared? Results compare with papers on the whole alone"),
    "clutter": Kind(False, "files beside the identities", "none needed: OpenGait passes over them"),
    "lists": Kind(False, "sequences kept as lists, an item a frame", "none needed; an array is read faster"),
}  # fmt: skip
"""The worst first."""
