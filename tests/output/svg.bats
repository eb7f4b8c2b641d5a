# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# svg.bats - flame graphs as others see them: an XML parser, a renderer without scripts, and a browser.

setup() {
	draw="$BUILD/tests/output/draw_svg"
	svg="$BATS_TEST_TMPDIR/flame.svg"
}

# 100 samples: nginx has 60 of them, 45 of these in the kernel; java has 40.
sample() {
	cat <<-'END'
		java;Interpreter_[j];run_[j] 40
		nginx;main 5
		nginx;main;do_write;helper_[i] 10
		nginx;main;do_write;ksys_write_[k];vfs_write_[k] 30
		nginx;main;do_write;ksys_write_[k] 15
	END
}

# Names with everything that XML, HTML and JavaScript find special.
hostile() {
	cat <<-'END'
		]]></script><script>document.documentElement.id="broken"</script> 10
		a&b<c>"d"'e';`${f}`;\u0022 5
		<!-- ;--> ;<![CDATA[ 5
	END
	printf 'control\001\033[31m;broken utf \377\300\200;\357\277\277;\355\240\200 7\n'
}

need_command() {
	command -v "$1" >/dev/null || skip "$1 is not installed"
}

# In front of browse: a skip within "run" would end only what it runs.
need_browser() {
	browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
		skip "no chromium is installed"
}

# browse SCRIPT: what the statements leave in the list `out`, one a line, after they ran in a browser with $svg open.
browse() {
	cat >"$BATS_TEST_TMPDIR/probe.js" <<-END
		const out = [], byId = (id) => document.getElementById(id);
		const named = (n) => Array.from(byId("frames").children).find(
			(g) => g.querySelector("title").textContent.startsWith(n + " ("));
		const fire = (e, event) => e.dispatchEvent(event);
		const mouse = (n, what) => fire(named(n).querySelector("rect"), new MouseEvent(what, {bubbles: true}));
		const box = (n) => n + " " + (named(n).style.display === "none" ? "hidden" : ["x", "width"].map(
			(a) => named(n).querySelector("rect").getAttribute(a)).join(" "));
		const find = (text) => { byId("search").value = text; fire(byId("search"), new Event("input"));
			return byId("matched").textContent + " " + document.querySelectorAll(".found").length; };
		const key = (k, ctrlKey) => fire(window, new KeyboardEvent("keydown", {key: k, ctrlKey}));
		$1
		const all = document.createElementNS("http://www.w3.org/2000/svg", "desc");
		all.textContent = out.map((line) => "PROBE " + line + "\\n").join("");
		document.documentElement.appendChild(all);
	END
	{
		sed '$d' "$svg"
		echo '<script><![CDATA[ window.addEventListener("error", (e) => { document.documentElement.id = "failed"; });'
		cat "$BATS_TEST_TMPDIR/probe.js"
		echo ']]></script></svg>'
	} >"$BATS_TEST_TMPDIR/probe.svg"
	HOME=$BATS_TEST_TMPDIR timeout 60 "$browser" --headless --no-sandbox --disable-gpu --window-size=1220,600 \
		--user-data-dir="$BATS_TEST_TMPDIR/browser" --dump-dom "file://$BATS_TEST_TMPDIR/probe.svg" \
		>"$BATS_TEST_TMPDIR/dom" 2>"$BATS_TEST_TMPDIR/browser.log" || {
		tail -n 5 "$BATS_TEST_TMPDIR/browser.log"
		return 1
	}
	sed -n -e 's/^.*>PROBE /PROBE /' -e 's/^PROBE //p' "$BATS_TEST_TMPDIR/dom"
}

@test "an XML parser accepts it, and finds each frame" {
	need_command xmllint
	sample | "$draw" profile samples >"$svg"
	xmllint --noout "$svg"
	[ "$(xmllint --xpath "count(//*[local-name()='g'][@data-from])" "$svg")" -eq 10 ]
	[ "$(xmllint --xpath "string(//*[local-name()='title'][starts-with(., 'do_write')])" "$svg")" = \
		"do_write (55 samples, 55.00%)" ]
}

@test "an XML parser accepts names that try to break it, and gives them back" {
	need_command xmllint
	hostile | "$draw" ']]></svg>"&' '<unit>' >"$svg"
	xmllint --noout "$svg"
	xmllint --xpath "//*[local-name()='title']/text()" "$svg" >"$BATS_TEST_TMPDIR/titles"
	[ "$(xmllint --xpath "count(//*[local-name()='script'])" "$svg")" -eq 1 ]
	[ "$(xmllint --xpath "string(//*[@id='title'])" "$svg")" = ']]></svg>"&' ]
	[ "$(xmllint --xpath "string(//*[local-name()='title'][starts-with(., 'a&')])" "$svg")" = \
		$'a&b<c>"d"\'e\' (5 <unit>, 18.52%)' ]
}

@test "a renderer without scripts draws all of it" {
	need_command rsvg-convert
	sample | "$draw" profile samples >"$svg"
	rsvg-convert "$svg" -o "$BATS_TEST_TMPDIR/flame.png"
	# a PNG's header has its size: 1200 wide; 62, six rows of 17, and 30 high
	[ "$(od -An -tu1 -j16 -N8 "$BATS_TEST_TMPDIR/flame.png" | tr -s ' ')" = " 0 0 4 176 0 0 0 194" ]
}

@test "in a browser: it fits the window, a click zooms, reset and Escape go back" {
	sample | "$draw" profile samples >"$svg"
	need_browser
	run browse '
		out.push(document.documentElement.getAttribute("width") == window.innerWidth);
		document.documentElement.setAttribute("width", 0);
		window.innerWidth = 1220;
		fire(window, new Event("resize"));
		out.push(box("all"), box("java"), box("nginx"), box("vfs_write"));
		mouse("do_write", "click");
		out.push(box("all"), box("java"), box("main"), box("do_write"), box("vfs_write"));
		fire(byId("reset"), new MouseEvent("click"));
		out.push(box("java"), box("nginx"));
		mouse("java", "click");
		out.push(box("nginx"));
		key("Escape");
		out.push(box("nginx"), document.documentElement.id);'
	echo "$output"
	[ "$status" -eq 0 ]
	# 1200 pixels for 100 samples, from x = 10: java 40, then do_write 55, of which helper 10, then vfs_write 30
	[ "$output" = "true
all 10.00 1199.50
java 10.00 479.50
nginx 490.00 719.50
vfs_write 610.00 359.50
all 10.00 1199.50
java hidden
main 10.00 1199.50
do_write 10.00 1199.50
vfs_write 228.18 654.05
java 10.00 479.50
nginx 490.00 719.50
nginx hidden
nginx 490.00 719.50" ]
}

@test "in a browser: hover tells, also the share of what is zoomed" {
	sample | "$draw" profile samples >"$svg"
	need_browser
	run browse '
		mouse("vfs_write", "mouseover");
		out.push(byId("details").textContent);
		mouse("nginx", "click");
		mouse("vfs_write", "mouseover");
		out.push(byId("details").textContent);
		mouse("vfs_write", "mouseout");
		out.push(byId("details").textContent + ".");'
	[ "$status" -eq 0 ]
	[ "$output" = "vfs_write (kernel, 30 samples, 30.00%)
vfs_write (kernel, 30 samples, 30.00%), 50.00% of nginx
." ]
}

@test "in a browser: search colours what matches, and counts what stands on a match once" {
	sample | "$draw" profile samples >"$svg"
	need_browser
	run browse '
		key("f", true);
		out.push(document.activeElement.id);
		out.push(find("write"), find("^main$|_write$"), find("RUN"), find("RUN|vfs"), find("x?"), find("("));
		out.push(find("nothing"));
		find("write");
		key("Escape");
		out.push("[" + byId("search").value + byId("matched").textContent + "]");'
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$output" = "search
matched: 55.00% 3
matched: 60.00% 4
matched: 0.00% 0
matched: 30.00% 1
matched: 100.00% 9
not a regular expression 9
matched: 0.00% 0
[]" ]
}

@test "in a browser: hostile names stay text" {
	hostile | "$draw" profile samples >"$svg"
	need_browser
	run browse '
		const name = "]]\u003e</script><script>document.documentElement.id=\"broken\"</script>";
		mouse(name, "mouseover");
		out.push(byId("details").textContent === name + " (10 samples, 37.04%)");
		mouse(name, "click");
		out.push(document.querySelectorAll("script").length, document.documentElement.id || "unharmed");'
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$output" = "true
2
unharmed" ]
}
