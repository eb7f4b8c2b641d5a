// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
// What a flame graph does when it is touched: hover tells, a click zooms, the box searches. See svg.c.
(function () {
"use strict";
const LEFT = 10, ROOM = 1180, CHARACTER = 7.25;	// as in svg.c
const byId = (id) => document.getElementById(id);
const details = byId("details"), matched = byId("matched"), unzoom = byId("unzoom"), search = byId("search");

const frames = Array.from(byId("frames").children, (g) => {
	const rect = g.querySelector("rect"), title = g.querySelector("title").textContent;
	return {
		g, rect, title,
		text: g.querySelector("text"),
		name: title.slice(0, title.lastIndexOf(" (")),
		x: +rect.getAttribute("x"), y: +rect.getAttribute("y"), w: +rect.getAttribute("width"),
	};
});
const byGroup = new Map(frames.map((f) => [f.g, f]));
const total = Math.max(0, ...frames.map((f) => f.w));

function place(f, x, w)
{
	const room = Math.floor((w - 6) / CHARACTER), letters = Array.from(f.name);
	f.rect.setAttribute("x", x.toFixed(2));
	f.rect.setAttribute("width", w.toFixed(2));
	f.text.setAttribute("x", (x + 3).toFixed(2));
	f.text.textContent = room < 3 ? "" : letters.length <= room ? f.name : letters.slice(0, room - 2).join("") + "..";
}

// Spread one frame over the whole width: what it calls grows with it, its callers become full bars, the rest goes.
function zoom(to)
{
	const scale = ROOM / to.w, slack = 0.02;	// the coordinates in the file are rounded
	for (const f of frames) {
		const above = f.y <= to.y;
		const inside = f.x >= to.x - slack && f.x + f.w <= to.x + to.w + slack;
		const caller = !above && f.x <= to.x + slack && f.x + f.w >= to.x + to.w - slack;
		f.g.style.display = (above && inside) || caller ? "" : "none";
		f.g.classList.toggle("outside", caller);
		if (caller)
			place(f, LEFT, ROOM);
		else if (above && inside)
			place(f, LEFT + (f.x - to.x) * scale, f.w * scale);
	}
	unzoom.style.display = to.w < total ? "inline" : "none";
}

function reset()
{
	for (const f of frames) {
		f.g.style.display = "";
		f.g.classList.remove("outside");
		place(f, f.x, f.w);
	}
	unzoom.style.display = "none";
}

// Colour the frames whose names match, and say how much of everything they cover: a match on top of another counts once.
function find(pattern)
{
	let regex = null, end = -1, sum = 0;
	try {
		regex = pattern ? new RegExp(pattern) : null;
	} catch (e) {
		matched.textContent = "not a regular expression";
		return;
	}
	const hits = frames.filter((f) => {
		const hit = regex !== null && regex.test(f.name);
		f.g.classList.toggle("found", hit);
		return hit;
	});
	hits.sort((a, b) => a.x - b.x || b.w - a.w);
	for (const f of hits) {
		if (f.x + f.w <= end)
			continue;
		sum += f.x + f.w - Math.max(f.x, end);
		end = f.x + f.w;
	}
	matched.textContent = regex === null ? " " : "matched: " + (total ? sum * 100 / total : 0).toFixed(2) + "%";
}

byId("frames").addEventListener("click", (e) => {
	const f = byGroup.get(e.target.parentNode);
	if (f)
		zoom(f);
});
byId("frames").addEventListener("mouseover", (e) => {
	const f = byGroup.get(e.target.parentNode);
	details.textContent = f ? f.title : " ";
});
byId("frames").addEventListener("mouseout", () => { details.textContent = " "; });
unzoom.addEventListener("click", reset);
search.addEventListener("input", () => find(search.value));
window.addEventListener("keydown", (e) => {
	if ((e.ctrlKey || e.metaKey) && e.key === "f") {
		e.preventDefault();
		search.focus();
		search.select();
	} else if (e.key === "Escape") {
		search.value = "";
		find("");
		reset();
	}
});
})();
