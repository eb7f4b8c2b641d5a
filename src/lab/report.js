// A cell of the matrix leads to its details, which unfold.
function unfold() {
	var d = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
	if (d) d.open = true;
}
addEventListener("hashchange", unfold);
unfold();
