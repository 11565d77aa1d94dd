"""Public recordings that `fetch` knows: address, sha256, size, citation and licence of each file.

Every address names a commit, so that the file behind it cannot change, or a release of a package that carries the file.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

_GITHUB = "https://raw.githubusercontent.com/"
_NITIME = "nipy/nitime/7f117d6171e00755130fd2772e298477498eca87/nitime/data/"
_PYABF = "swharden/pyABF/3ad9cd6f2cdfe79bc1978736ab46314866ca1c4c/data/abfs/"
_BLUEPYEFE = "BlueBrain/BluePyEfe/11a1e0c59e2541362e22279f6c78edbff44db975/tests/exp_data/"
_NWB_SHOWCASE = "OpenSourceBrain/NWBShowcase/be2920012f0e007b597b1149bb2e87b24a507b96/Lantyer/"
_PYNAPPLE = "pynapple-org/pynapple/7ac20f7a5232785e926c0bd8745093281e1f65fb/tests/nwbfilestest/phy/pynapplenwb/"
_LOCUST = "Rokem et al. 2006 J Neurophysiol 95:2541; from nitime"
_KAHANA = "Kahana et al. 2024 J Exp Psychol Learn Mem Cogn 50:1421 (PEERS); from psifr 0.10.1"


class File(NamedTuple):
    """A public file: where it is, what it must be, whom to cite, and how it is read.

    Parameters
    ----------
    file : str
        Its name.
    address : str
        Below GitHub's raw files; "" where a package alone carries it.
    sha256 : str
        Of its content.
    size : int
        Bytes.
    citation : str
        What to cite.
    licence : str
    reader : str
        The function that reads it.
    package : str
        A package that carries the file, with the release that was checked.
    inside : str
        Where in that package.

    Examples
    --------
    >>> File("a.txt", "", "0f", 3, "Nobody 2026", "CC0", "read_text").url
    ''
    """

    file: str
    address: str  # below GitHub's raw files; "" where a package alone carries it
    sha256: str
    size: int  # bytes
    citation: str
    licence: str
    reader: str  # the function that reads it
    package: str = ""  # a package that carries the file, with the release that was checked
    inside: str = ""  # where in that package

    @property
    def url(self) -> str:
        """The whole address, or none."""
        return self.address and f"{_GITHUB}{self.address}"


def _locust(name: str, sha256: str, size: int, reader: str = "read_text") -> File:
    """A file of nitime."""
    return File(name, _NITIME + name, sha256, size, _LOCUST, "BSD-3-Clause", reader, "nitime==0.12.1", f"data/{name}")


def _abf(name: str, sha256: str, size: int) -> File:
    """An example of pyABF."""
    return File(name, _PYABF + name, sha256, size, "S. W. Harden, examples of pyABF", "MIT", "read_neo")


def _ibw(name: str, sha256: str) -> File:
    """An example of BluePyEfe."""
    return File(
        name, _BLUEPYEFE + name, sha256, 48634, "Blue Brain Project, tests of BluePyEfe", "BSD-3-Clause", "read_neo"
    )


FILES: Mapping[str, File] = MappingProxyType(
    {
        "locust_spikes_1": _locust(
            "grasshopper_spike_times1.txt", "840014ad9a8f591d02ab108bcbd46715badb3459e0ef7eac95fdd661ff134e3d", 7695
        ),
        "locust_spikes_2": _locust(
            "grasshopper_spike_times2.txt", "389e5dccb709fbe0552589ff2e0b64e15d46665e4d2d4172071f2175c8641541", 7216
        ),
        "locust_stimulus_1": _locust(
            "grasshopper_stimulus1.txt", "4b47a4cbca8c5f694f87dd510db608a868dffbaba96845199c8afa545a4c37fa", 3627459
        ),
        "locust_stimulus_2": _locust(
            "grasshopper_stimulus2.txt", "69f257a8e7a5019897111b07f9cd317b136357d256e99682d40c09d5add18e6a", 3627474
        ),
        "mouse_neuropixels": File(
            "A8604-211122.nwb",
            f"{_PYNAPPLE}A8604-211122.nwb",
            "6c9913f1a36c43dc627a541f4e521eb17e305879eb4d9bce949f77970994ac22",
            442304,
            "Viejo et al. 2023 eLife 12:RP85786; from the tests of pynapple",
            "MIT",
            "read_nwb",
        ),
        "mouse_voltage_clamp": File(
            "LantyerEtAl2018_170328_AB_277_ST50_C.nwb",
            f"{_NWB_SHOWCASE}LantyerEtAl2018_170328_AB_277_ST50_C.nwb",
            "a31438a6c8861a84451f2af58eea6376f09f740e45a1e98aa672493f77ec1803",
            570686,
            "da Silva Lantyer et al. 2018 GigaScience 7:giy147; from NWBShowcase",
            "CC0-1.0",
            "read_nwb",
        ),
        "patch_ramp": _abf(
            "17o05027_ic_ramp.abf", "2091b84556502965203c926ee12b38db1e361507d0a062b52b98b3687a9d4955", 87552
        ),
        "patch_sweeps": _abf(
            "2018_11_16_sh_0006.abf", "eac7d35cf4fb0275436a188dfec0efff1d264ba06b2ecd2e015e54fe4b59ea64", 247808
        ),
        "patch_steps": _abf(
            "File_axon_5.abf", "bfcf4434ef686fb8ab3d40db4405f2dc9bcbe6649158ff55760de57a43043174", 366592
        ),
        "igor_current": _ibw(
            "B95_Ch0_IDRest_107.ibw", "7efabbbb65667f9c7dbd352dec7332768a1644967d3417bea04220bca9bde719"
        ),
        "igor_voltage": _ibw(
            "B95_Ch3_IDRest_107.ibw", "02b750928fd4d90602e527543fabf5f2462b70b4c01fc6c01f8f9fdc6209bd82"
        ),
        "free_recall_peers": File(
            "peers_notask.csv",
            "",
            "592f67aae9f8f9bd45a019727c7a498579017d0b7ebdf45666a647a432ce1684",
            2317657,
            _KAHANA,
            "GPL-3.0-or-later",
            "read_text",
            "psifr==0.10.1",
            "data/peers_notask.csv",
        ),
    }
)
