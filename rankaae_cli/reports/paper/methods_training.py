"""How the networks of a run look and were trained, as sentences with citations."""

from typing import Any

from rankaae_cli.core.labels import listed, number_word
from rankaae_cli.models.rankaae.schedules import learning_rate_factor
from rankaae_cli.models.rankaae.settings import LOSSES
from rankaae_cli.reports.paper.facts import RunFacts
from rankaae_cli.reports.paper.prose import Text, joined, listed_texts, text

_FREE = " Free styles have no common meaning and are those of the selected trial."
_NORMS = {
    "layer": "layer normalisation without learnable parameters{@ba2016layernorm}",
    "batch": "batch normalisation without learnable parameters{@ioffe2015batchnorm}",
}


def training_paragraph(facts: RunFacts) -> Text:
    """Return the paragraph on networks, losses, optimiser and the choice among epochs and trials."""
    return joined([
        _model(facts), _networks(facts), _input(facts), *_losses(facts), _optimiser(facts), _length(facts),
        _choice(facts),
    ])  # fmt: skip


def _model(facts: RunFacts) -> Text:
    names, free = list(facts.units), facts.free_styles
    prior = facts.config["objective"]["prior"]
    adversarial = prior["kind"] in ("adversarial", "two_step") and prior["weight"] > 0
    kind = "adversarial autoencoder{@liang2023rankaae,makhzani2015aae}"
    if not adversarial:
        kind = "autoencoder in the manner of RankAAE{@liang2023rankaae}"
    each = "" if len(names) == 1 else "each "
    return text(
        f"A rank-constrained {kind} compressed each spectrum into {{named}} named style{{s}}, {{each}}tied "
        f"to one descriptor by a rank constraint{{free}}.",
        named=number_word(len(names)), s="" if len(names) == 1 else "s", each=each,
        free=f", and {number_word(free)} free style{'' if free == 1 else 's'}" if free else "",
    )  # fmt: skip


def _networks(facts: RunFacts) -> Text:
    m, points = facts.config["model"], facts.energy_grid[0]
    styles, size = len(facts.units) + facts.free_styles, f"{facts.parameters:,}"
    norm = text(_NORMS[m["norm"]]) if m["norm"] in _NORMS else ()
    end = text(
        "The encoder ends in a batch normalisation without learnable parameters, whose statistics were "
        "retaken on the training spectra after every epoch, and the decoder in a softplus (β = 2); "
        "together they have {size} weights.",
        size=size,
    )
    if m["network"] == "cnn":
        channels = [m["channels"] * 2**i for i in range(3)]
        begin = text(
            "The encoder has three convolutions along the energy (kernel of 9 points, stride 2; "
            "{channels} channels) and two linear layers, {hidden} units wide between them; the decoder "
            "mirrors it, with repetition of points in place of strides. Activations are "
            "SiLU{@elfwing2018silu}{norm}.",
            channels=listed([str(n) for n in channels]), hidden=m["hidden"],
            norm=text("; the linear layers have {norm} between them", norm=norm) if norm else "",
        )  # fmt: skip
        return joined([begin, end])
    encoder = "–".join(map(str, [points, *[m["hidden"]] * m["encoder_layers"], styles]))
    decoder = "–".join(map(str, [styles, *[m["hidden"]] * m["decoder_layers"], points]))
    begin = text(
        "Encoder ({encoder} units) and decoder ({decoder}) are fully connected, with SiLU activations in "
        "the hidden layers{@elfwing2018silu}{norm}.",
        encoder=encoder, decoder=decoder, norm=text(", each followed by {norm}", norm=norm) if norm else "",
    )  # fmt: skip
    return joined([begin, end])


def _input(facts: RunFacts) -> Text:
    o, unit = facts.config["objective"], facts.subject.energy_unit
    a = o["augmentation"]
    grid = "points" if unit == "index" else unit
    changes = []
    if a.get("core_hole", 0) > 0:
        changes.append(
            f"convolved, every other one, with a Lorentzian whose full width at half maximum is {a['core_hole']:g} "
            f"{grid}"
        )
    if a["broadening"] > 0:
        changes.append(
            f"broadened by a Gaussian, its standard deviation uniform between 0 and {a['broadening']:g} "
            f"{grid} and drawn anew for each batch"
        )
    if a["energy_shift"] > 0:
        changes.append(
            f"shifted in energy (normally distributed, standard deviation {a['energy_shift']:g} {grid})"
        )
    if a["scale"] > 0:
        changes.append(f"scaled (by a factor of standard deviation {a['scale']:g} about 1)")
    if o["input_noise"] > 0:
        changes.append(f"given Gaussian noise of standard deviation {o['input_noise']:g} at every energy")
    if not changes:
        return text("The input spectra were used as they are, without noise.")
    return text(
        "In training the input spectra were {changes}.", changes=listed_texts([(c,) for c in changes])
    )


def _losses(facts: RunFacts) -> list[Text]:
    o = facts.config["objective"]
    active = [
        name for name in LOSSES if o[name]["weight"] > 0 and (facts.free_styles or name != "independence")
    ]
    losses = [
        text("({letter}) {what} (weight {weight:}{ramp})", letter="abcdef"[i], what=_LOSSES[name](facts),
             weight=f"{o[name]['weight']:g}", ramp=_ramp(o[name]["ramp"]))
        for i, name in enumerate(active)
    ]  # fmt: skip
    how = "summed and minimised jointly" if o["order"] == "joint" else "minimised in turn on every batch"
    sentence = text(
        "{n} losses were {how}: {losses}.", n=number_word(len(losses)).capitalize(), how=how,
        losses=listed_texts(losses, "; ", "; and "),
    )  # fmt: skip
    return [sentence, _prior_draws(facts, active)]


def _ramp(part: float) -> str:
    return f", rising linearly from 0 over the first {100 * part:g} % of training" if part > 0 else ""


def _reconstruction(facts: RunFacts) -> Text:
    if facts.config["objective"]["reconstruction"]["kind"] == "scaled":
        return text(
            "the published reconstruction loss{@liang2023rankaae}, a mean squared error after the overall "
            "scale is taken out, plus a penalty on that scale"
        )
    return text("the mean squared error of the decoded spectrum against the unchanged input spectrum")


def _rank(facts: RunFacts) -> Text:
    s = facts.config["objective"]["rank"]
    balanced = (
        ", the pull of the concordant pairs being scaled by the number of discordant pairs over theirs, "
        "at most 1"
    )
    by = "the pairs that count" if s["normalise"] == "pairs" else "all ordered pairs of the batch"
    return text(
        "the rank constraint{@liang2023rankaae}, which for each pair of spectra in a batch drives a named style "
        "apart in the order of its descriptor{balanced}, where pairs with equal or unknown descriptors do not "
        "count and the sum is divided by {by}",
        balanced=balanced if s["balanced"] else "", by=by,
    )  # fmt: skip


def _prior(facts: RunFacts) -> Text:
    s = facts.config["objective"]["prior"]
    if s["kind"] == "sliced_wasserstein":
        return text(
            "the squared sliced Wasserstein distance{@kolouri2018swae} of the styles to their prior, "
            "along every axis and {n} random directions a batch",
            n=s["directions"],
        )
    if s["kind"] == "mmd":
        return text(
            "the squared maximum mean discrepancy{@gretton2012mmd} between styles and draws from their "
            "prior, with inverse multiquadratic kernels{@tolstikhin2018wae}"
        )
    noise = f"two hidden layers of 64 units; Gaussian noise of standard deviation {s['noise']:g} on its input"
    if s["kind"] == "adversarial":
        return text(
            "the binary cross-entropy of a discriminator ({noise}) between styles and draws from their "
            "prior, whose gradient reaches the encoder reversed{@ganin2016dann}, times a factor rising to "
            "{maximum}",
            noise=noise, maximum=f"{s['maximum']:g}",
        )  # fmt: skip
    return text(
        "the cross-entropy by which the encoder deceives a discriminator{@goodfellow2014gan} ({noise}) "
        "between styles and draws from their prior, which was stepped by itself on every batch",
        noise=noise,
    )


def _mutual_information(facts: RunFacts) -> Text:
    named = facts.config["objective"]["mutual_information"]["named_only"] and facts.free_styles
    return text(
        "the mean squared difference between styles drawn from the prior and those that the encoder finds "
        "in their decoded spectra{named}{@liang2023rankaae}",
        named=", over the named styles" if named else "",
    )


def _smoothness(facts: RunFacts) -> Text:
    s = facts.config["objective"]["smoothness"]
    return text(
        "the mean squared difference between spectra decoded from the prior and their Gaussian smoothing "
        "(kernel of {points} grid points, standard deviation {sigma}){@liang2023rankaae}",
        points=s["kernel_points"], sigma=f"{s['sigma']:g}",
    )  # fmt: skip


def _independence(facts: RunFacts) -> Text:
    return text(
        "the squared correlations of each free style with the descriptors, their squares and "
        "products{@cheung2014xcov}{others}",
        others=text(", and with the other free styles{@kumar2018sap}") if facts.free_styles > 1 else "",
    )


_LOSSES = {
    "reconstruction": _reconstruction,
    "rank": _rank,
    "prior": _prior,
    "mutual_information": _mutual_information,
    "smoothness": _smoothness,
    "independence": _independence,
}


def _prior_draws(facts: RunFacts, active: list[str]) -> Text:
    if not {"prior", "mutual_information", "smoothness"} & set(active):
        return ()
    if facts.config["objective"]["prior"]["correlated"] and len(facts.units) > 1:
        return text(
            "The prior is normal, of variance 1, the named styles being correlated as their descriptors "
            "are in the training data (by rank) and the free ones independent."
            if facts.free_styles
            else "The prior is normal, of variance 1, the styles being correlated as their descriptors are in the "
            "training data (by rank)."
        )
    return text("The prior is a standard normal distribution, all styles independent.")


def _optimiser(facts: RunFacts) -> Text:
    s, o = facts.config["optimiser"], facts.config["objective"]
    decay = f"weight decay {s['weight_decay']:g}" if s["weight_decay"] > 0 else "no weight decay"
    if o["order"] == "joint":
        rate = text(
            "AdamW{@loshchilov2019adamw} (learning rate {rate}, {decay})", rate=f"{s['rate']:g}", decay=decay
        )
    else:
        rate = text(
            "AdamW{@loshchilov2019adamw}, one optimiser a loss ({decay}; learning rates {rates})",
            decay=decay, rates=_rates(facts),
        )  # fmt: skip
    discriminator: Text = ()
    if o["prior"]["kind"] in ("adversarial", "two_step") and o["prior"]["weight"] > 0:
        b1, b2 = o["prior"]["betas"]
        discriminator = text(
            "; the discriminator's moments decayed by {b1} and {b2}", b1=f"{b1:g}", b2=f"{b2:g}"
        )
    clip = f"; gradients were clipped at a norm of {s['clip']:g}" if s["clip"] > 0 else ""
    return text(
        "Weights were optimised by {rate}, {schedule}{discriminator}{clip}.",
        rate=rate, schedule=_schedule(s), discriminator=discriminator, clip=clip,
    )  # fmt: skip


def _rates(facts: RunFacts) -> str:
    s, o = facts.config["optimiser"], facts.config["objective"]
    names = [n for n in LOSSES if o[n]["weight"] > 0 and (facts.free_styles or n != "independence")]
    return ", ".join(f"{s['rate'] * s['factors'][n]:g} for {n.replace('_', ' ')}" for n in names)


def _schedule(s: Any) -> Text:
    least = f"{100 * learning_rate_factor(1.0, 'one_cycle'):g} %"
    if s["schedule"] == "one_cycle":
        return text(
            "the rate rising from {least} of its maximum over the first tenth of training and falling "
            "back to {least} along a cosine{@smith2019onecycle}",
            least=least,
        )
    if s["schedule"] == "cosine":
        return text("the rate falling to {least} along half a cosine", least=least)
    if s["schedule"] == "plateau":
        return text(
            "the rate of a trial being multiplied by {factor} whenever its validation score had not risen "
            "for {n} epochs",
            factor=f"{s['reduction']:g}", n=s["patience"],
        )  # fmt: skip
    return text("at a constant rate")


def _length(facts: RunFacts) -> Text:
    c = facts.config
    steps = "" if facts.batches is None else f", {facts.epochs * facts.batches:,} batches"
    trials = int(c["trials"])
    who = (
        "One model was"
        if trials == 1
        else f"{number_word(trials).capitalize()} models (trials) that differ only in "
    )
    who += "" if trials == 1 else "their random numbers were"
    return text(
        "{who} trained for {epochs} epochs ({size} spectra a batch at most{steps}; seed {seed}).",
        who=who, epochs=f"{facts.epochs:,}", size=c["batch_size"], steps=steps, seed=c["seed"],
    )  # fmt: skip


def _choice(facts: RunFacts) -> Text:
    several = int(facts.config["trials"]) > 1
    score, _, made_of = str(facts.metrics["choice"]["by"]).partition(": ")
    by = f"{score} ({made_of})" if made_of else score
    parts = [
        text(
            "The weights {of}after the epoch of the highest {by} were kept",
            of="of each trial " if several else "", by=by,
        ),
        text(
            "; the trial of the highest score (trial {t}, epoch {epoch}, both counted from 0) was selected.",
            t=facts.metrics["selected_trial"], epoch=facts.selected_epoch,
        )
        if several
        else text(" (epoch {epoch}, counted from 0).", epoch=facts.selected_epoch),
    ]  # fmt: skip
    if facts.diverged:
        was = "trial diverged and was" if facts.diverged == 1 else "trials diverged and were"
        parts.append(text(" {n} {was} left out.", n=number_word(facts.diverged).capitalize(), was=was))
    if facts.averaged > 1:
        parts.append(text(
            " Since the rank constraint gives a named style the same meaning in every trial, the named "
            "styles, each standardised on the training spectra, and the decoded spectra were averaged "
            "over {n} trials (the ensemble).{free}",
            n=number_word(facts.averaged),
            free=_FREE if facts.free_styles else "",
        ))  # fmt: skip
    return joined(parts, "")
