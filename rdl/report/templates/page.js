"use strict";
// Traversals play until a reader moves a slider.
const cards = [...document.querySelectorAll(".card")].map((card) => ({
  film: card.querySelector(".window img"),
  slider: card.querySelector("input"),
  value: card.querySelector("output"),
}));
function showFrame(card) {
  const last = Number(card.slider.max), frame = Number(card.slider.value);
  const low = Number(card.slider.dataset.low), high = Number(card.slider.dataset.high);
  card.film.style.transform = `translateY(${(-100 * frame) / (last + 1)}%)`;
  card.value.textContent = (low + ((high - low) * frame) / last).toFixed(2);
}
let playing = !matchMedia("(prefers-reduced-motion: reduce)").matches && cards.length > 0;
const buttons = [...document.querySelectorAll(".play")];
function setPlaying(on) {
  playing = on;
  for (const button of buttons) button.textContent = on ? "pause all" : "play all";
}
let tick = 0;
setInterval(() => {
  if (!playing || document.hidden) return;
  tick += 1;
  for (const card of cards) {
    const last = Number(card.slider.max), at = (tick + last / 2) % (2 * last);
    card.slider.value = at <= last ? at : 2 * last - at;
    showFrame(card);
  }
}, 120);
for (const card of cards) {
  showFrame(card);
  card.slider.addEventListener("input", () => { setPlaying(false); showFrame(card); });
}
for (const button of buttons) button.addEventListener("click", () => setPlaying(!playing));
setPlaying(playing);
// Unfolds everything for print.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((fold) => { fold.open = true; }));
