const form = document.querySelector("#filter");
const cards = [...document.querySelectorAll(".case")];
const count = document.querySelector("#count");

function apply() {
  const wanted = [...new FormData(form)].filter(([, value]) => value);
  for (const card of cards) card.hidden = !wanted.every(([name, value]) => card.dataset[name] === value);
  for (const group of document.querySelectorAll(".group")) {
    const found = group.querySelectorAll(".case:not([hidden])").length;
    group.hidden = found === 0;
    if (group.matches("details") && wanted.length) group.open = true;
  }
  const found = cards.filter((card) => !card.hidden).length;
  count.textContent = `${found} of ${cards.length} questions`;
}

form.addEventListener("change", apply);
form.addEventListener("reset", () => setTimeout(apply));
addEventListener("hashchange", () => {
  const card = cards.find(({ id }) => `#${id}` === location.hash);
  if (card) card.open = true;
});
form.hidden = false;
apply();
