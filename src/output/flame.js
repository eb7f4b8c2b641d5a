// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
// What a flame graph does when it is touched: hover tells, a click zooms, the box searches. See svg.c.
(function () {
"use strict";
const MARGIN = 10, PADDING = 3, BASELINE = 4, GAP = 0.5;	// as in svg.c
const LEAST = 600;	// pixels; in a narrower window the picture scrolls
const svg = document.documentElement;
const byId = (id) => document.getElementById(id);
const details = byId("details"), matched = byId("matched"), reset = byId("reset"), search = byId("search");

const frames = Array.from(byId("frames").children, (g) => {
	const rect = g.querySelector("rect"), title = g.querySelector("title").textContent;
	return {
		g, rect, title,
		name: title.slice(0, title.lastIndexOf(" (")),
		text: g.querySelector("text"),
		from: +g.dataset.from, to: +g.dataset.to,
		y: +rect.getAttribute("y"), bottom: +rect.getAttribute("y") + +rect.getAttribute("height"),
	};
});
const byGroup = new Map(frames.map((f) => [f.g, f]));
const all = frames[0] || {from: 0, to: 0};
let zoomed = all, room = 0;	// room: the width of all, in pixels

// The width of one character in the font that this browser has taken.
const character = (function () {
	details.textContent = "m".repeat(100);
	const width = details.getComputedTextLength() / 100;
	details.textContent = "";
	return width || 7.25;
})();

// Characters from U+1100 on may be two columns wide.
const columns = (c) => c.codePointAt(0) >= 0x1100 ? 2 : 1;

function label(name, width)
{
	const room = Math.floor((width - 2 * PADDING) / character);
	let used = 0, cut = "";
	for (const c of name) {
		used += columns(c);
		if (used + 2 <= room)
			cut += c;
		else if (used > room)
			return cut && cut + "..";
	}
	return used <= room ? name : cut && cut + "..";
}

function place(f, x, width)
{
	f.rect.setAttribute("x", x.toFixed(2));
	f.rect.setAttribute("width", (width > 4 * GAP ? width - GAP : width).toFixed(2));
	const text = label(f.name, width);
	if (!f.text && text) {
		f.text = f.g.appendChild(document.createElementNS(svg.namespaceURI, "text"));
		f.text.setAttribute("y", f.bottom - BASELINE);
	}
	if (f.text) {
		f.text.setAttribute("x", (x + PADDING).toFixed(2));
		f.text.textContent = text;
	}
}

// The zoomed frame takes the whole width, and what it calls grows with it. Its callers are full bars; the rest goes.
function draw()
{
	const scale = room / (zoomed.to - zoomed.from);
	for (const f of frames) {
		const inside = f.y <= zoomed.y && f.from >= zoomed.from && f.to <= zoomed.to;
		const caller = f.y > zoomed.y && f.from <= zoomed.from && f.to >= zoomed.to;
		f.g.style.display = inside || caller ? "" : "none";
		f.g.classList.toggle("caller", caller);
		if (caller)
			place(f, MARGIN, room);
		else if (inside)
			place(f, MARGIN + (f.from - zoomed.from) * scale, (f.to - f.from) * scale);
	}
	reset.style.display = zoomed === all ? "" : "inline";
}

function zoom(f)
{
	zoomed = f;
	draw();
}

function fit()
{
	const width = Math.max(LEAST, window.innerWidth);
	room = width - 2 * MARGIN;
	svg.setAttribute("width", width);
	byId("box").setAttribute("x", width - MARGIN - 200);
	draw();
}

const percent = (part, whole) => (whole ? part * 100 / whole : 0).toFixed(2) + "%";

// Colour the frames whose names match, and say how much of everything they cover: a match on top of another counts once.
// A pattern without capitals matches both cases.
function find(pattern)
{
	let regex = null, end = 0, sum = 0;
	try {
		regex = pattern ? new RegExp(pattern, /[A-Z]/.test(pattern) ? "" : "i") : null;
	} catch (e) {
		matched.textContent = "not a regular expression";
		return;
	}
	const found = frames.filter((f) => {
		const hit = regex !== null && f !== all && regex.test(f.name);
		f.g.classList.toggle("found", hit);
		return hit;
	});
	found.sort((a, b) => a.from - b.from || b.to - a.to);
	for (const f of found) {
		sum += Math.max(0, f.to - Math.max(f.from, end));
		end = Math.max(f.to, end);
	}
	matched.textContent = regex === null ? "" : "matched: " + percent(sum, all.to);
}

function tell(f)
{
	details.textContent = !f ? "" : zoomed === all || f.to - f.from > zoomed.to - zoomed.from ? f.title :
		f.title + ", " + percent(f.to - f.from, zoomed.to - zoomed.from) + " of " + zoomed.name;
}

const hit = (e) => byGroup.get(e.target.parentNode);
byId("frames").addEventListener("click", (e) => { if (hit(e)) zoom(hit(e)); });
byId("frames").addEventListener("mouseover", (e) => tell(hit(e)));
byId("frames").addEventListener("mouseout", () => tell(null));
reset.addEventListener("click", () => zoom(all));
search.addEventListener("input", () => find(search.value));
window.addEventListener("resize", fit);
window.addEventListener("keydown", (e) => {
	if ((e.ctrlKey || e.metaKey) && e.key === "f") {
		e.preventDefault();
		search.focus();
		search.select();
	} else if (e.key === "Escape") {
		search.value = "";
		find("");
		zoom(all);
	}
});
byId("controls").style.display = "inline";
fit();
})();
