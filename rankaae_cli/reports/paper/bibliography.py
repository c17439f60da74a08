"""The works that a paper about a run may have to cite. What is not certain of an entry is left out of it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reference:
    r"""One entry of a bibliography.

    Attributes
    ----------
    key
        As in a ``\cite``.
    kind
        Of BibTeX: ``article``, ``inproceedings``, ``book``, ``misc``.
    authors
        As ``Family, Given`` each, parted by semicolons; a body has no comma.
    title, year
        As printed.
    journal
        Journal, or the proceedings of a conference; the publisher of a book.
    volume, pages, doi, arxiv, url
        Empty where there is none.
    """

    key: str
    kind: str
    authors: str
    title: str
    year: int
    journal: str = ""
    volume: str = ""
    pages: str = ""
    doi: str = ""
    arxiv: str = ""
    url: str = ""


_ICLR = "International Conference on Learning Representations"
_NEURIPS = "Advances in Neural Information Processing Systems"

_METHOD = (
    Reference(
        "liang2023rankaae", "article",
        "Liang, Zhu; Carbone, Matthew R.; Chen, Wei; Meng, Fanchen; Stavitski, Eli; Lu, Deyu; "
        "Hybertsen, Mark S.; Qu, Xiaohui",
        "Decoding structure-spectrum relationships with physically organized latent spaces", 2023,
        "Physical Review Materials", "7", "053802", "10.1103/PhysRevMaterials.7.053802", "2301.04724",
    ),
    Reference(
        "makhzani2015aae", "misc",
        "Makhzani, Alireza; Shlens, Jonathon; Jaitly, Navdeep; Goodfellow, Ian; Frey, Brendan",
        "Adversarial autoencoders", 2015, arxiv="1511.05644",
    ),
    Reference(
        "ganin2016dann", "article",
        "Ganin, Yaroslav; Ustinova, Evgeniya; Ajakan, Hana; Germain, Pascal; Larochelle, Hugo; "
        "Laviolette, François; Marchand, Mario; Lempitsky, Victor",
        "Domain-adversarial training of neural networks", 2016,
        "Journal of Machine Learning Research", "17", "1–35", arxiv="1505.07818",
    ),
    Reference(
        "goodfellow2014gan", "inproceedings",
        "Goodfellow, Ian; Pouget-Abadie, Jean; Mirza, Mehdi; Xu, Bing; Warde-Farley, David; Ozair, Sherjil; "
        "Courville, Aaron; Bengio, Yoshua",
        "Generative adversarial nets", 2014, _NEURIPS, "27", arxiv="1406.2661",
    ),
    Reference(
        "kolouri2018swae", "misc",
        "Kolouri, Soheil; Pope, Phillip E.; Martin, Charles E.; Rohde, Gustavo K.",
        "Sliced-Wasserstein autoencoder: an embarrassingly simple generative model", 2018, arxiv="1804.01947",
    ),
    Reference(
        "gretton2012mmd", "article",
        "Gretton, Arthur; Borgwardt, Karsten M.; Rasch, Malte J.; Schölkopf, Bernhard; Smola, Alexander",
        "A kernel two-sample test", 2012, "Journal of Machine Learning Research", "13", "723–773",
    ),
    Reference(
        "tolstikhin2018wae", "inproceedings",
        "Tolstikhin, Ilya; Bousquet, Olivier; Gelly, Sylvain; Schölkopf, Bernhard",
        "Wasserstein auto-encoders", 2018, _ICLR, arxiv="1711.01558",
    ),
    Reference(
        "cheung2014xcov", "misc",
        "Cheung, Brian; Livezey, Jesse A.; Bansal, Arjun K.; Olshausen, Bruno A.",
        "Discovering hidden factors of variation in deep networks", 2014, arxiv="1412.6583",
    ),
    Reference(
        "elfwing2018silu", "article",
        "Elfwing, Stefan; Uchibe, Eiji; Doya, Kenji",
        "Sigmoid-weighted linear units for neural network function approximation in reinforcement learning",
        2018, "Neural Networks", "107", "3–11", "10.1016/j.neunet.2017.12.012",
    ),
    Reference(
        "ba2016layernorm", "misc", "Ba, Jimmy Lei; Kiros, Jamie Ryan; Hinton, Geoffrey E.",
        "Layer normalization", 2016, arxiv="1607.06450",
    ),
    Reference(
        "ioffe2015batchnorm", "inproceedings", "Ioffe, Sergey; Szegedy, Christian",
        "Batch normalization: accelerating deep network training by reducing internal covariate shift", 2015,
        "Proceedings of the 32nd International Conference on Machine Learning", "37", "448–456",
        arxiv="1502.03167",
    ),
    Reference(
        "loshchilov2019adamw", "inproceedings", "Loshchilov, Ilya; Hutter, Frank",
        "Decoupled weight decay regularization", 2019, _ICLR, arxiv="1711.05101",
    ),
    Reference(
        "smith2019onecycle", "inproceedings", "Smith, Leslie N.; Topin, Nicholay",
        "Super-convergence: very fast training of neural networks using large learning rates", 2019,
        "Artificial Intelligence and Machine Learning for Multi-Domain Operations Applications, Proc. SPIE",
        "11006", doi="10.1117/12.2520589", arxiv="1708.07120",
    ),
)  # fmt: skip

_EVALUATION = (
    Reference(
        "lei2018conformal", "article",
        "Lei, Jing; G'Sell, Max; Rinaldo, Alessandro; Tibshirani, Ryan J.; Wasserman, Larry",
        "Distribution-free predictive inference for regression", 2018,
        "Journal of the American Statistical Association", "113", "1094–1111",
        "10.1080/01621459.2017.1307116", "1604.04173",
    ),
    Reference(
        "davison1997bootstrap", "book", "Davison, A. C.; Hinkley, D. V.",
        "Bootstrap methods and their application", 1997, "Cambridge University Press",
    ),
    Reference(
        "abadie2011matching", "article", "Abadie, Alberto; Imbens, Guido W.",
        "Bias-corrected matching estimators for average treatment effects", 2011,
        "Journal of Business & Economic Statistics", "29", "1–11", "10.1198/jbes.2009.07333",
    ),
    Reference(
        "chen2018mig", "inproceedings", "Chen, Ricky T. Q.; Li, Xuechen; Grosse, Roger; Duvenaud, David",
        "Isolating sources of disentanglement in variational autoencoders", 2018, _NEURIPS, "31",
        arxiv="1802.04942",
    ),
    Reference(
        "kumar2018sap", "inproceedings", "Kumar, Abhishek; Sattigeri, Prasanna; Balakrishnan, Avinash",
        "Variational inference of disentangled latent concepts from unlabeled observations", 2018, _ICLR,
        arxiv="1711.00848",
    ),
    Reference(
        "eastwood2018dci", "inproceedings", "Eastwood, Cian; Williams, Christopher K. I.",
        "A framework for the quantitative evaluation of disentangled representations", 2018, _ICLR,
        url="https://openreview.net/forum?id=By-7dz-AZ",
    ),
    Reference(
        "geurts2006extratrees", "article", "Geurts, Pierre; Ernst, Damien; Wehenkel, Louis",
        "Extremely randomized trees", 2006, "Machine Learning", "63", "3–42", "10.1007/s10994-006-6226-1",
    ),
    Reference(
        "breiman2001forests", "article", "Breiman, Leo", "Random forests", 2001, "Machine Learning", "45",
        "5–32", "10.1023/A:1010933404324",
    ),
    Reference(
        "kingma2013vae", "misc", "Kingma, Diederik P.; Welling, Max", "Auto-encoding variational Bayes", 2013,
        arxiv="1312.6114",
    ),
)  # fmt: skip

_DATA = (
    Reference(
        "rehr2010feff9", "article",
        "Rehr, John J.; Kas, Joshua J.; Vila, Fernando D.; Prange, Micah P.; Jorissen, Kevin",
        "Parameter-free calculations of X-ray spectra with FEFF9", 2010,
        "Physical Chemistry Chemical Physics", "12", "5503–5513", "10.1039/b926434e",
    ),
    Reference(
        "jain2013materialsproject", "article",
        "Jain, Anubhav; Ong, Shyue Ping; Hautier, Geoffroy; Chen, Wei; Richards, William Davidson; "
        "Dacek, Stephen; Cholia, Shreyas; Gunter, Dan; Skinner, David; Ceder, Gerbrand; Persson, Kristin A.",
        "Commentary: The Materials Project: a materials genome approach to accelerating materials innovation",
        2013, "APL Materials", "1", "011002", "10.1063/1.4812323",
    ),
    Reference(
        "pan2021crystalnn", "article",
        "Pan, Hillary; Ganose, Alex M.; Horton, Matthew; Aykol, Muratahan; Persson, Kristin A.; "
        "Zimmermann, Nils E. R.; Jain, Anubhav",
        "Benchmarking coordination number prediction algorithms on inorganic crystal structures", 2021,
        "Inorganic Chemistry", "60", "1590–1603", "10.1021/acs.inorgchem.0c02996",
    ),
    Reference(
        "okeeffe1991bondvalence", "article", "O'Keeffe, M.; Brese, N. E.",
        "Atom sizes and bond lengths in molecules and crystals", 1991,
        "Journal of the American Chemical Society", "113", "3226–3229", "10.1021/ja00009a002",
    ),
    Reference(
        "ong2013pymatgen", "article",
        "Ong, Shyue Ping; Richards, William Davidson; Jain, Anubhav; Hautier, Geoffroy; Kocher, Michael; "
        "Cholia, Shreyas; Gunter, Dan; Chevrier, Vincent L.; Persson, Kristin A.; Ceder, Gerbrand",
        "Python Materials Genomics (pymatgen): a robust, open-source Python library for materials analysis",
        2013, "Computational Materials Science", "68", "314–319", "10.1016/j.commatsci.2012.10.028",
    ),
)  # fmt: skip

_SOFTWARE = (
    Reference(
        "paszke2019pytorch", "inproceedings",
        "Paszke, Adam; Gross, Sam; Massa, Francisco; Lerer, Adam; Bradbury, James; Chanan, Gregory; "
        "Killeen, Trevor; Lin, Zeming; Gimelshein, Natalia; Antiga, Luca; Desmaison, Alban; Köpf, Andreas; "
        "Yang, Edward; DeVito, Zachary; Raison, Martin; Tejani, Alykhan; Chilamkurthy, Sasank; "
        "Steiner, Benoit; Fang, Lu; Bai, Junjie; Chintala, Soumith",
        "PyTorch: an imperative style, high-performance deep learning library", 2019, _NEURIPS, "32",
        "8024–8035", arxiv="1912.01703",
    ),
    Reference(
        "falcon2019lightning", "misc", "Falcon, William; The PyTorch Lightning team", "PyTorch Lightning",
        2019, doi="10.5281/zenodo.3828935", url="https://github.com/Lightning-AI/lightning",
    ),
    Reference(
        "yadan2019hydra", "misc", "Yadan, Omry",
        "Hydra – A framework for elegantly configuring complex applications", 2019,
        url="https://github.com/facebookresearch/hydra",
    ),
    Reference(
        "harris2020numpy", "article",
        "Harris, Charles R.; Millman, K. Jarrod; van der Walt, Stéfan J.; Gommers, Ralf; Virtanen, Pauli; "
        "Cournapeau, David; Wieser, Eric; Taylor, Julian; Berg, Sebastian; Smith, Nathaniel J.; Kern, Robert; "
        "Picus, Matti; Hoyer, Stephan; van Kerkwijk, Marten H.; Brett, Matthew; Haldane, Allan; "
        "del Río, Jaime Fernández; Wiebe, Mark; Peterson, Pearu; Gérard-Marchant, Pierre; Sheppard, Kevin; "
        "Reddy, Tyler; Weckesser, Warren; Abbasi, Hameer; Gohlke, Christoph; Oliphant, Travis E.",
        "Array programming with NumPy", 2020, "Nature", "585", "357–362", "10.1038/s41586-020-2649-2",
    ),
    Reference(
        "virtanen2020scipy", "article",
        "Virtanen, Pauli; Gommers, Ralf; Oliphant, Travis E.; Haberland, Matt; Reddy, Tyler; "
        "Cournapeau, David; Burovski, Evgeni; Peterson, Pearu; Weckesser, Warren; Bright, Jonathan; "
        "van der Walt, Stéfan J.; Brett, Matthew; Wilson, Joshua; Millman, K. Jarrod; Mayorov, Nikolay; "
        "Nelson, Andrew R. J.; Jones, Eric; Kern, Robert; Larson, Eric; Carey, C. J.; Polat, İlhan; Feng, Yu; "
        "Moore, Eric W.; VanderPlas, Jake; Laxalde, Denis; Perktold, Josef; Cimrman, Robert; "
        "Henriksen, Ian; Quintero, E. A.; Harris, Charles R.; Archibald, Anne M.; Ribeiro, Antônio H.; "
        "Pedregosa, Fabian; van Mulbregt, Paul; SciPy 1.0 Contributors",
        "SciPy 1.0: fundamental algorithms for scientific computing in Python", 2020, "Nature Methods", "17",
        "261–272", "10.1038/s41592-019-0686-2",
    ),
    Reference(
        "pedregosa2011sklearn", "article",
        "Pedregosa, Fabian; Varoquaux, Gaël; Gramfort, Alexandre; Michel, Vincent; Thirion, Bertrand; "
        "Grisel, Olivier; Blondel, Mathieu; Prettenhofer, Peter; Weiss, Ron; Dubourg, Vincent; "
        "Vanderplas, Jake; Passos, Alexandre; Cournapeau, David; Brucher, Matthieu; Perrot, Matthieu; "
        "Duchesnay, Édouard",
        "Scikit-learn: machine learning in Python", 2011, "Journal of Machine Learning Research", "12",
        "2825–2830",
    ),
    Reference(
        "mckinney2010pandas", "inproceedings", "McKinney, Wes",
        "Data structures for statistical computing in Python", 2010,
        "Proceedings of the 9th Python in Science Conference", pages="56–61",
        doi="10.25080/Majora-92bf1922-00a",
    ),
    Reference(
        "hunter2007matplotlib", "article", "Hunter, John D.", "Matplotlib: a 2D graphics environment", 2007,
        "Computing in Science & Engineering", "9", "90–95", "10.1109/MCSE.2007.55",
    ),
)  # fmt: skip

REFERENCES = {r.key: r for r in (*_METHOD, *_EVALUATION, *_DATA, *_SOFTWARE)}
