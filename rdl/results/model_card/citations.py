"""Names and papers of objectives and jobs, for model cards."""

from collections.abc import Mapping

OBJECTIVES = {
    "vae": ("beta-VAE", "higgins2017beta"),
    "annealed_vae": ("AnnealedVAE", "burgess2018understanding"),
    "factor_vae": ("FactorVAE", "kim2018disentangling"),
    "dip_vae": ("DIP-VAE", "kumar2018variational"),
    "beta_tc_vae": ("beta-TCVAE", "chen2018isolating"),
    "factorised_support": ("Hausdorff factorised support", "roth2023disentanglement"),
    "ada_gvae": ("Ada-GVAE", "locatello2020weakly"),
    "ada_mlvae": ("Ada-ML-VAE", "locatello2020weakly"),
    "group_vae": ("group VAE", "hosoya2019group"),
    "ml_vae": ("ML-VAE", "bouchacourt2018multi"),
    "pro_vlae": ("pro-VLAE", "li2020progressive"),
}
"""gin name of an objective -> (name of the method, key of its paper)."""

RECURSION = "estermann2020robust"
POPULATIONS = "jaderberg2017population"
_UDR = "duan2020unsupervised"

POPULATION_SCORES = {"UDRScore": ("PBT-U-VAE", (RECURSION, _UDR)), "MIGScore": ("PBT-VAE", (RECURSION,))}
"""gin name of the score that a population maximises -> (name of the method, keys of its papers)."""

_PAPERS = {
    RECURSION: (
        "Robust Disentanglement of a Few Factors at a Time",
        "Estermann, Benjamin and Marks, Markus and Yanik, Mehmet Fatih",
        "Advances in Neural Information Processing Systems",
        2020,
    ),
    POPULATIONS: (
        "Population Based Training of Neural Networks",
        "Jaderberg, Max and others",
        "arXiv:1711.09846",
        2017,
    ),
    _UDR: (
        "Unsupervised Model Selection for Variational Disentangled Representation Learning",
        "Duan, Sunny and others",
        "International Conference on Learning Representations",
        2020,
    ),
    "li2020progressive": (
        "Progressive Learning and Disentanglement of Hierarchical Representations",
        "Li, Zhiyuan and Murkute, Jaideep Vitthal and Gyawali, Prashnna Kumar and Wang, Linwei",
        "International Conference on Learning Representations",
        2020,
    ),
    "higgins2017beta": (
        "beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework",
        "Higgins, Irina and others",
        "International Conference on Learning Representations",
        2017,
    ),
    "burgess2018understanding": (
        "Understanding Disentangling in beta-VAE",
        "Burgess, Christopher P. and others",
        "arXiv:1804.03599",
        2018,
    ),
    "kim2018disentangling": (
        "Disentangling by Factorising",
        "Kim, Hyunjik and Mnih, Andriy",
        "International Conference on Machine Learning",
        2018,
    ),
    "kumar2018variational": (
        "Variational Inference of Disentangled Latent Concepts from Unlabeled Observations",
        "Kumar, Abhishek and Sattigeri, Prasanna and Balakrishnan, Avinash",
        "International Conference on Learning Representations",
        2018,
    ),
    "chen2018isolating": (
        "Isolating Sources of Disentanglement in Variational Autoencoders",
        "Chen, Ricky T. Q. and Li, Xuechen and Grosse, Roger and Duvenaud, David",
        "Advances in Neural Information Processing Systems",
        2018,
    ),
    "roth2023disentanglement": (
        "Disentanglement of Correlated Factors via Hausdorff Factorized Support",
        "Roth, Karsten and Ibrahim, Mark and Akata, Zeynep and Vincent, Pascal and Bouchacourt, Diane",
        "International Conference on Learning Representations",
        2023,
    ),
    "locatello2020weakly": (
        "Weakly-Supervised Disentanglement Without Compromises",
        "Locatello, Francesco and others",
        "International Conference on Machine Learning",
        2020,
    ),
    "hosoya2019group": (
        "Group-based Learning of Disentangled Representations with Generalizability for Novel Contents",
        "Hosoya, Haruo",
        "International Joint Conference on Artificial Intelligence",
        2019,
    ),
    "bouchacourt2018multi": (
        "Multi-Level Variational Autoencoder: Learning Disentangled Representations from Grouped Observations",
        "Bouchacourt, Diane and Tomioka, Ryota and Nowozin, Sebastian",
        "AAAI Conference on Artificial Intelligence",
        2018,
    ),
}
"""Key -> title, authors, venue, year."""


def format_bibtex(key: str) -> list[str]:
    """Lines of the BibTeX entry of a paper."""
    title, authors, place, year = _PAPERS[key]
    preprint = place.startswith("arXiv:")
    fields: dict[str, str | int] = {
        "title": title,
        "author": authors,
        "journal" if preprint else "booktitle": place,
        "year": year,
    }
    return _format_entry("article" if preprint else "inproceedings", key, fields)


def format_software(key: str, title: str, version: str) -> list[str]:
    """Lines of the BibTeX entry of a program."""
    return _format_entry("software", key, {"title": title, "version": version})


def _format_entry(kind: str, key: str, fields: Mapping[str, str | int]) -> list[str]:
    lines = ",\n".join(f"  {name:<9} = {{{value}}}" for name, value in fields.items())
    return [f"@{kind}{{{key},", *lines.split("\n"), "}"]
