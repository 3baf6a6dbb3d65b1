// An article page: bring the quote into view, and name the article once its title has scrolled away.

const quote = document.getElementById("quote");
const title = document.querySelector("article h1");

if (quote && location.hash !== "#quote") quote.scrollIntoView({ block: "center" });
if (title) new IntersectionObserver(([seen]) => document.body.classList.toggle("past-title", !seen.isIntersecting)).observe(title);
