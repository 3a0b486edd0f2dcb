"""The kinds of problem that `check data` knows: what each means, and how it is mended."""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """A kind of problem: does it fail the check, what it means, and the mend."""

    fails: bool
    means: str
    mend: str


class Problem(NamedTuple):
    """One finding.

    ``kind``: a key of `KINDS`. ``where``: the path below the root, or what else it is about. ``found``: what was found. ``weight``: how bad
    it is among those of its kind; larger is worse.
    """

    kind: str
    where: str
    found: str
    weight: float = 0.0


AGAIN = "prepare these sequences again (OpenGait: datasets/pretreatment.py), or copy them again from where they are whole"
NONE = "none needed"

FAILS = {
    "forbidden": (
        "pickles that ask Python to run something; nothing was run",
        "do not open them with pickle or numpy: delete them, and find out where they come from. Only arrays of numbers belong here;"
        " a torch tensor is written with pickle.dump(tensor.numpy(), file)",
    ),
    "unreadable": ("files or folders that cannot be read", "mend permissions (chmod -R u+rX DIR), links or the disk"),
    "loop": ("links to a folder above themselves", "remove the links"),
    "truncated": ("files that end before their array does", f"the writing or the copying was cut short: {AGAIN}"),
    "empty": ("files of 0 bytes", f"the writing failed, perhaps on a full disk: {AGAIN}"),
    "not a pickle": ("files that are no pickles, whatever they are called", "write arrays: pickle.dump(array, file, protocol=4)"),
    "damaged": ("pickles that contradict themselves", AGAIN),
    "objects": (
        "arrays of Python objects",
        "mostly frames of several sizes in one array: bring them to one size, np.stack them and write the uint8 array",
    ),
    "unlike": (
        "lists of frames of several sizes, of which no batch can be made",
        "bring the frames to one size, np.stack them and write the uint8 array [frames, height, width]",
    ),
    "not an array": (
        "pickles that hold something other than an array of frames, or that is not an array of real numbers",
        "write the array [frames, height, width] itself",
    ),
    "no frames": ("arrays without frames, or of frames without pixels", "remove these sequences, or prepare them again"),
    "not finite": ("numbers that are not finite (NaN or infinite)", AGAIN),
    "depth": (
        "pickles or folders at the wrong depth",
        "OpenGait reads DIR/<id>/<type>/<view>/*.pkl, exactly three folders deep: move them, or give the folder of the identities as DIR",
    ),
    "stray": (
        "files that are no sequences, where OpenGait stops at them",
        "remove them; those of Windows and macOS with: find DIR \\( -iname thumbs.db -o -name .DS_Store -o -name '._*' \\) -delete",
    ),
    "modalities": (
        "sequences with another number of files than expected",
        "every file of a sequence is an input and needs a transform: remove the others, or choose with data_cfg.data_in_use",
    ),
    "unequal": ("sequences whose inputs differ in frames", "the inputs of a sequence go frame by frame: prepare them together"),
    "axes": (
        "arrays of other axes than [frames, height, width], where silhouettes are asked for",
        "of pictures in colour write the silhouettes, not the colours; of a single frame write frame[None]. For other inputs than"
        " silhouettes (colour, heat maps) give the --cfgs that reads them, with their transforms and the backbone's in_channels; of"
        " several files in a sequence data_cfg.data_in_use chooses",
    ),
    "sizes": ("frames of another size than the rest", "a batch takes one size: prepare these again with the size of the others"),
    "geometry": (
        "frames that do not become the size the configuration declares",
        "change model_cfg.geometry or the transform (BaseSilCuttingTransform makes 64x44 of 64x64 pickles, BaseSilTransform leaves"
        " them), or prepare the data at the size that is wanted",
    ),
    "transform": (
        "frames that the configuration's transforms cannot take",
        "choose the transform of this kind of input, or other files with data_cfg.data_in_use",
    ),
    "range": (
        "values of which the transforms do not make 0..1",
        "silhouettes are uint8 from 0 (background) to 255 (body), which the transforms divide by 255. Multiply 0/1 data by 255: a"
        " network fed with it sees next to nothing, and says nothing",
    ),
    "blank": ("sequences in which nothing is to be seen (all zero)", "remove them, or segment them again"),
    "constant": ("sequences of one value throughout, other than 0: no body, or nothing else", "remove them, or segment them again"),
    "inverted": (
        "silhouettes whose edges are bright: the background is 255 and the body 0, or bodies are cut out too close",
        "write 255 - array where the body is 0; the transforms take 255 for the body",
    ),
    "missing": (
        "names of the partition without a sequence here; OpenGait leaves them out without a word",
        "fetch or prepare them, look at how the folders are spelt, or write a partition of what there is",
    ),
    "both": ("identities in TRAIN_SET and in TEST_SET", "a person who is trained on cannot be tested: keep one of the two"),
    "batch": ("a training batch that cannot be filled", "lower P of trainer_cfg.sampler.batch_size = [P, K], or add identities"),
    "protocol": (
        "a test that cannot be scored",
        "look at data_cfg.dataset_name, at how the types are spelt, and at PROBE_SET of the partition",
    ),
}
NOTES = {
    "short": ("sequences with fewer frames than a training clip", f"{NONE}: their frames are drawn more than once"),
    "blank frames": ("sequences with frames in which nothing is to be seen", f"{NONE}; many of them point at the segmentation"),
    "grey": (
        "sequences of many grey pixels",
        "pictures or soft masks? silhouettes are 0 and 255, and grey at the outline alone. np.where(array > 127, 255, 0).astype(np.uint8)"
        " makes them of soft masks",
    ),
    "few": ("training identities with fewer sequences than K", f"{NONE}: their sequences are drawn more than once in a batch"),
    "unlisted": ("identities that the partition does not name; nobody reads them", f"{NONE}; or add them to the partition"),
    "repeated": ("identities named twice in a half of the partition", "name them once: their sequences count twice"),
    "no mate": ("probes without a mate in the gallery", f"{NONE}; they lower the score or are left out of it, as the protocol says"),
    "hollow": ("folders without a sequence in them; OpenGait passes over them", "remove them, or prepare what belongs there"),
    "type": ("files of another type of number than most", "uint8 takes least room and time; a mixture points at two preparations"),
    "names": ("names with characters that other programs trip over", "rename them with letters, digits, - and _"),
    "totals": ("counts other than those published", "was all of it unpacked? Results compare with a paper's on its whole data alone"),
    "clutter": ("files beside the identities", f"{NONE}: OpenGait passes over them"),
    "lists": ("sequences kept as lists, an item a frame", f"{NONE}; an array is read faster"),
}
KINDS = {**{name: Kind(True, *said) for name, said in FAILS.items()}, **{name: Kind(False, *said) for name, said in NOTES.items()}}
"""All of them, the worst first."""
