"""The papers that the losses come from."""

from __future__ import annotations

AMID = "Amid, Warmuth, Anil, Koren: Robust bi-tempered logistic loss based on Bregman divergences. NeurIPS 2019"
GHOSH = "Ghosh, Kumar, Sastry: Robust loss functions under label noise for deep neural networks. AAAI 2017"
LIN = "Lin, Goyal, Girshick, He, Dollár: Focal loss for dense object detection. ICCV 2017"
LIU = (
    "Liu, Niles-Weed, Razavian, Fernandez-Granda: Early-learning regularization prevents memorization of noisy"
    " labels. NeurIPS 2020"
)
MA = "Ma et al.: Normalized loss functions for deep learning with noisy labels. ICML 2020"
MENON = "Menon, Rawat, Reddi, Kumar: Can gradient clipping mitigate label noise? ICLR 2020"
REED = (
    "Reed, Lee, Anguelov, Szegedy, Erhan, Rabinovich: Training deep neural networks on noisy labels with"
    " bootstrapping. ICLR 2015 workshop"
)
VAN_ROOYEN = (
    "van Rooyen, Menon, Williamson: Learning with symmetric label noise: the importance of being unhinged."
    " NIPS 2015"
)
WANG = "Wang, Ma, Chen, Luo, Yi, Bailey: Symmetric cross entropy for robust learning with noisy labels. ICCV 2019"
WEI = "Wei, Liu, Liu, Niu, Liu: To smooth or not? When label smoothing meets noisy labels. ICML 2022"
ZHANG_MIXUP = "Zhang, Cisse, Dauphin, Lopez-Paz: mixup: beyond empirical risk minimization. ICLR 2018"
ZHANG_SABUNCU = (
    "Zhang, Sabuncu: Generalized cross entropy loss for training deep neural networks with noisy labels."
    " NeurIPS 2018"
)
