"""Molecules and tunes get figures in words; files are served whole and in parts."""

from __future__ import annotations

import io

from django.test import Client
from PIL import Image

from genmodels.contract import Sample
from tests.factories import make_card, make_checkpoint, make_user
from tests.pages.conftest import browser_of
from tests.pages.makers import make_sample
from webapp.generations.models import Generation
from webapp.generations.outlines import draw_outline
from webapp.generations.renderings import read_figures

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
WAV = b"RIFF" + bytes(range(96))


def make_molecule() -> tuple[Client, Generation]:
    """A molecule, and the browser of whom it belongs to."""
    author = make_user()
    card = make_card(slug="mol", modality="molecule", media_type="image/svg+xml")
    sample = Sample(SVG, "image/svg+xml", text="CCO", metrics={"qed": 0.407, "valid": 1.0})
    done = make_sample(owner=author, sample=sample, checkpoint=make_checkpoint(card))
    return browser_of(author), done


def make_tune() -> tuple[Client, Generation]:
    """A tune, and the browser of whom it belongs to."""
    author = make_user()
    card = make_card(slug="tunes", modality="music", media_type="audio/wav")
    sample = Sample(WAV, "audio/wav", text="X:1\nK:C\nC8 ||\n", metrics={"bars_right": 1.0})
    done = make_sample(owner=author, sample=sample, checkpoint=make_checkpoint(card))
    return browser_of(author), done


def test_figures_that_are_missing_or_odd_are_left_out() -> None:
    figures = read_figures("molecule", {"qed": 0.5, "logp": "high"})
    assert [(each.label, each.value) for each in figures] == [("Drug-likeness", "0.50")]
    assert read_figures("text", {"qed": 0.5}) == ()


def test_a_molecule_shows_drawing_figures_and_smiles(db: None) -> None:
    browser, done = make_molecule()
    shown = browser.get(f"/generations/{done.id}").content.decode()
    assert 'alt="Drawing of CCO"' in shown
    assert '<code id="notation" class="code-block mono">CCO</code>' in shown
    assert "Drug-likeness" in shown
    assert "0.41" in shown
    assert "<dt>Qed</dt>" not in shown


def test_a_drawing_may_style_itself_and_nothing_else(db: None) -> None:
    browser, done = make_molecule()
    answer = browser.get(f"/api/v1/artifacts/{done.response.artifacts.get().id}/content")
    assert answer["Content-Type"] == "image/svg+xml"
    policy = "sandbox; default-src 'none'; style-src 'unsafe-inline'"
    assert answer["Content-Security-Policy"] == policy
    assert answer["Content-Disposition"].startswith("inline")


def test_a_tune_is_heard_on_its_page_and_in_the_library(db: None) -> None:
    browser, done = make_tune()
    address = f"/api/v1/artifacts/{done.response.artifacts.get().id}/content"
    shown = browser.get(f"/generations/{done.id}").content.decode()
    assert f'src="{address}"' in shown
    assert "data-score=" in shown
    listed = browser.get("/library").content.decode()
    assert f'<audio controls preload="none" src="{address}"' in listed
    assert "C8 ||" in listed


def make_speech(outline: object) -> tuple[Client, Generation]:
    """A spoken digit, and the browser of whom it belongs to."""
    author = make_user()
    card = make_card(slug="voice", modality="audio", media_type="audio/wav")
    extra = {"outline": outline}
    sample = Sample(WAV, "audio/wav", metrics={"seconds": 0.48}, extra=extra)
    done = make_sample(owner=author, sample=sample, checkpoint=make_checkpoint(card))
    return browser_of(author), done


def test_speech_is_heard_and_seen_on_its_page_and_in_the_library(db: None) -> None:
    browser, done = make_speech([0.0, 0.5, 1])
    address = f"/api/v1/artifacts/{done.response.artifacts.get().id}/content"
    shown = browser.get(f"/generations/{done.id}").content.decode()
    assert f'src="{address}"' in shown
    assert '<path d="M1 15.5v1M3 8.5v15M5 1v30" />' in shown
    assert "0.48 s" in shown
    assert "data-score=" not in shown
    listed = browser.get("/library").content.decode()
    assert f'<audio controls preload="none" src="{address}"' in listed
    assert 'viewBox="0 0 6 32"' in listed


def test_an_outline_that_is_none_is_not_drawn(db: None) -> None:
    for odd in ("0.5", [], ["M0 0"], [2.0], [0.1] * 500, {"0": 1}, None):
        assert draw_outline(odd) is None
    browser, done = make_speech(['"><script>'])
    shown = browser.get(f"/generations/{done.id}").content.decode()
    assert "<audio controls" in shown
    assert 'class="sound-outline"' not in shown


def test_a_clip_loops_and_has_a_still_for_those_who_asked_for_less_motion(db: None) -> None:
    frames = [Image.new("L", (4, 4), level) for level in (40, 90, 200)]
    stream = io.BytesIO()
    frames[0].save(stream, "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    author = make_user()
    card = make_card(slug="film", modality="video", media_type="image/webp")
    sample = Sample(stream.getvalue(), "image/webp")
    done = make_sample(owner=author, sample=sample, checkpoint=make_checkpoint(card))
    browser = browser_of(author)
    address = f"/api/v1/artifacts/{done.response.artifacts.get().id}/content"
    source = f'<source media="(prefers-reduced-motion: reduce)" srcset="{address}?still">'
    for page in (f"/generations/{done.id}", "/library"):
        shown = browser.get(page).content.decode()
        assert source in shown
        assert f'<img src="{address}"' in shown
    whole = browser.get(address)
    assert whole["Content-Disposition"].endswith('.webp"')
    still = browser.get(f"{address}?still")
    assert still["Content-Type"] == "image/png"
    with Image.open(io.BytesIO(still.content)) as image:
        assert image.getpixel((0, 0)) == (40, 40, 40)
    again = browser.get(f"{address}?still", headers={"If-None-Match": still["ETag"]})
    assert again.status_code == 304
    stranger = browser_of(make_user())
    assert stranger.get(f"{address}?still").status_code == 404


def test_a_player_gets_the_part_that_it_asks_for(db: None) -> None:
    browser, done = make_tune()
    address = f"/api/v1/artifacts/{done.response.artifacts.get().id}/content"
    part = browser.get(address, headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, b"\x00\x01\x02\x03")
    assert part["Content-Range"] == "bytes 4-7/100"
    rest = browser.get(address, headers={"Range": "bytes=98-"})
    assert rest.content == WAV[98:]
    for odd in ("bytes=100-", "bytes=-5", "bytes=0-1,4-5"):
        whole = browser.get(address, headers={"Range": odd})
        assert (whole.status_code, whole.getvalue()) == (200, WAV)


def test_a_stranger_gets_no_part_either(db: None) -> None:
    _, done = make_tune()
    address = f"/api/v1/artifacts/{done.response.artifacts.get().id}/content"
    answer = browser_of(make_user()).get(address, headers={"Range": "bytes=0-3"})
    assert answer.status_code == 404
