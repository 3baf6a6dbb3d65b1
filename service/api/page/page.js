// An article page that is opened at a quote without `#quote` in its address: bring the quote into view.

const quote = document.getElementById("quote");

if (quote && location.hash !== "#quote") quote.scrollIntoView({ block: "center" });
