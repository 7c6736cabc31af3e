"""`CrossModalTransformerClassifier` (Section 2, Figures 3 and 5)."""

from ..modules import TransformerEncoder
from ..training import check_number
from ._base import CrossModalClassifier


class CrossModalTransformerClassifier(CrossModalClassifier):
    """Classify videos by Transformers whose modalities attend where the others tell them to.

    Each modality has a Transformer encoder of its own. Before the softmax, the attention logits
    of one modality, transformed along time by a small network F, are added to those of the other
    (Section 2 of [1]_). How far that is to be trusted in a video says a separately trained,
    frozen correlation tower (Section 3): it gates F, or is concatenated to the inputs.

    Parameters
    ----------
    modalities : dict of str to int or slice, or sequence of str, default=None
        How X is to be read, see :func:`~sk_crossmodal.multimodal.as_multimodal`.
    fusion : str, default="cross_modal_concat"
        How modalities come together, with the paper's abbreviation (Section 5.2):

        - ``"early"`` (E): frames are concatenated and go through one encoder;
        - ``"late"`` (L): an encoder each, outputs through a ReLU network;
        - ``"cross_modal"``: late fusion, and attention influences attention;
        - ``"cross_modal_gated"`` (CM-G): the same, gated by the correlation tower;
        - ``"cross_modal_concat"`` (CM-C): the same, with the tower's verdict concatenated to
          every frame and to F's input.
    correlation_tower : CorrelationTower or FrozenEstimator, default=None
        None or an unfitted tower is trained inside `fit`, on the training rows alone; None is a
        tower of this classifier's own kind and size. A fitted one inside
        ``sklearn.frozen.FrozenEstimator`` is used as it is.
    hierarchy : LabelHierarchy, default=None
        The hierarchy whose nodes are the columns of y, or hold the classes. The tower learns
        from videos that share no top-level label; without a hierarchy every label is its own.
    cross_modal_layer_sizes : sequence of int, default=(64,)
        Hidden layers of F.
    cross_modal_combine : {"add", "multiply"}, default="add"
        Logits become ``S + g F`` (the paper) or ``S (1 + g F)``.
    gate : {"hard", "soft"}, default="hard"
        With gated fusion, g is ``1[p > 0.5]`` (the paper) or p.
    correlation_features : {"probability", "embedding"}, default="probability"
        With concatenation, the tower's p or its last hidden layer.
    influence : {"cross", "self", "none"}, default="cross"
        What F is fed with. ``"cross"`` is the method. The others are its controls: ``"self"``
        feeds F with the target's own attention; ``"none"`` takes F away, so that with
        ``"cross_modal_concat"`` late fusion sees p as a plain feature.
    modality_dropout : float, default=0.0
        Probability with which a modality of a video is left out in training, never all.
    dropout : float, default=0.1
        Probability of dropping a number, in the encoder and before the head.
    max_frames : int, default=300
        Only that many first moments of a video are looked at.
    d_model : int, default=512
        Width of the encoders and of the layer that fuses them.
    n_heads : int, default=8
        Attention heads.
    n_layers : int, default=1
        Encoder layers.
    lr : float, default=2e-4
        Learning rate of Adam at the start (Section 4.2, as are the next three).
    batch_size : int, default=128
        Videos a batch.
    max_epochs : int, default=10
        Epochs at most.
    lr_schedule : {"plateau", "cosine"} or None, default="plateau"
        Divide the learning rate by ten when the loss (of the videos held out, if there are any)
        has not improved for more than `lr_patience` epochs; let it fall along a cosine to zero
        at the last of `max_epochs`; or keep it.
    lr_patience : int, default=2
        See `lr_schedule`.
    early_stopping : bool or "auto", default="auto"
        Whether to hold out videos, to stop when their loss has not improved for five epochs, and
        to restore the best weights. "auto" does so from 1000 videos on.
    validation_fraction : float, default=0.1
        Share of the videos held out.
    class_weight : dict or "balanced", default=None
        Factors of the classes in the loss; for indicators, of the positive term of each column
        (keys are column indices).
    device : str, default="auto"
        Where to compute; "auto" takes CUDA when there is one.
    precision : {"auto", "float32", "float64", "bfloat16"}, default="auto"
        "auto" is bfloat16 autocast on CUDA and float32 elsewhere.
    compile : bool, default=False
        Whether to compile the network with `torch.compile`.
    callbacks : list of skorch callbacks, default=None
        Used beside the classifier's own.
    net_params : dict, default=None
        Further arguments of the skorch net, such as ``{"optimizer__weight_decay": 0.01}``.
    random_state : int, RandomState or None, default=None
        Decides everything random; torch's global state is neither used nor changed.
    verbose : int, default=0
        1 prints a line an epoch.

    Attributes
    ----------
    classes_ : ndarray
        The classes, or for indicators an (n_labels, 2) array of ``[0, 1]`` rows.
    label_names_ : list of str or None
        Names of the labels, where classes or a hierarchy give them.
    modality_names_in_ : tuple of str
        Names of the modalities seen in `fit`.
    n_features_in_ : int
        Width of a frame, all modalities together.
    correlation_tower_ : CorrelationTower or None
        The tower used, None for a fusion without one.
    history_ : list of dict
        One row an epoch: losses and seconds.
    n_iter_ : int
        Number of epochs trained.
    net_ : skorch.NeuralNet
        The trained net.
    module_ : torch.nn.Module
        The trained network.

    See Also
    --------
    sk_crossmodal.correlation.CorrelationTower : The judge of correlation.

    References
    ----------
    .. [1] Goyal, Sahu, Ghosh, Lee, "Cross-modal Learning for Multi-modal Video Categorization",
       2020.

    Examples
    --------
    >>> from sk_crossmodal import CrossModalTransformerClassifier, HierarchyLabelBinarizer
    >>> from sk_crossmodal.datasets import make_crossmodal_videos
    >>> videos = make_crossmodal_videos(40, random_state=0)
    >>> labels = HierarchyLabelBinarizer()
    >>> Y = labels.fit_transform(videos.target)
    >>> classifier = CrossModalTransformerClassifier(
    ...     d_model=32, n_heads=4, max_epochs=1, hierarchy=labels.hierarchy_, random_state=0
    ... )
    >>> classifier.fit(videos.data, Y).predict_proba(videos.data).shape == Y.shape
    True
    """

    def __init__(
        self,
        *,
        modalities=None,
        fusion="cross_modal_concat",
        correlation_tower=None,
        hierarchy=None,
        cross_modal_layer_sizes=(64,),
        cross_modal_combine="add",
        gate="hard",
        correlation_features="probability",
        influence="cross",
        modality_dropout=0.0,
        dropout=0.1,
        max_frames=300,
        d_model=512,
        n_heads=8,
        n_layers=1,
        lr=2e-4,
        batch_size=128,
        max_epochs=10,
        lr_schedule="plateau",
        lr_patience=2,
        early_stopping="auto",
        validation_fraction=0.1,
        class_weight=None,
        device="auto",
        precision="auto",
        compile=False,  # noqa: A002, skorch's and torch's name for it
        callbacks=None,
        net_params=None,
        random_state=None,
        verbose=0,
    ):
        self.modalities = modalities
        self.fusion = fusion
        self.correlation_tower = correlation_tower
        self.hierarchy = hierarchy
        self.cross_modal_layer_sizes = cross_modal_layer_sizes
        self.cross_modal_combine = cross_modal_combine
        self.gate = gate
        self.correlation_features = correlation_features
        self.influence = influence
        self.modality_dropout = modality_dropout
        self.dropout = dropout
        self.max_frames = max_frames
        self.d_model = d_model
        self.n_heads = n_heads
        self.n_layers = n_layers
        self.lr = lr
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.lr_schedule = lr_schedule
        self.lr_patience = lr_patience
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.class_weight = class_weight
        self.device = device
        self.precision = precision
        self.compile = compile
        self.callbacks = callbacks
        self.net_params = net_params
        self.random_state = random_state
        self.verbose = verbose

    def _encoder(self):
        params = {
            "d_model": self.d_model,
            "n_heads": self.n_heads,
            "n_layers": self.n_layers,
            "dropout": self.dropout,
        }
        return TransformerEncoder, params, "transformer"

    def _width(self):
        return self.d_model

    def _check_params(self):
        super()._check_params()
        for name in ("d_model", "n_heads", "n_layers"):
            check_number(name, getattr(self, name), low=1, integer=True)
        if self.d_model % self.n_heads:
            raise ValueError(
                f"d_model must be a multiple of n_heads, got {self.d_model} and {self.n_heads}."
            )
