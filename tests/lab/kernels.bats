#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# coolbpf lab fetch, kernels and module with an archive of Debian's kind that is made here: its packages by dpkg-deb, its
# lists by dpkg-scanpackages, signed by a key of its own, which the configuration of apt given by APT_CONFIG names. So what is
# proven is the strict way that production takes.

bats_require_minimum_version 1.5.0
load ../cli/common

# A file with the header of an x86 or arm64 kernel of this release (boot.rst, booting.rst).
image() {
	if [ "$2" = arm64 ]; then
		{ printf 'MZ'; head -c 54 /dev/zero; printf 'ARM\x64'; head -c 1000 /dev/zero; printf 'Linux version %s (x) #1' "$1"; }
	else
		{ head -c 510 /dev/zero; printf '\x55\xaa\0\0HdrS'; head -c 8 /dev/zero; printf '\0\x02'; head -c 496 /dev/zero
			printf '%s (x) #1' "$1"; }
	fi
	head -c 3000 /dev/zero
}

# deb NAME VERSION ARCH DEPENDS: a package of what is in the directory root, into the archive.
deb() {
	mkdir -p root/DEBIAN
	printf 'Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: x <x@example.com>\nDescription: x\n' "$1" "$2" "$3" >root/DEBIAN/control
	[ -z "$4" ] || echo "Depends: $4" >>root/DEBIAN/control
	mkdir -p debian/pool
	dpkg-deb -Znone --root-owner-group -b root "debian/pool/${1}_${2}_$3.deb" >/dev/null
	rm -rf root
}

# A kernel as up to Debian 13: all in one package.
kernel() { # RELEASE VERSION ARCH
	mkdir -p root/boot "root/lib/modules/$1/kernel/net"
	image "$1" "$3" >"root/boot/vmlinuz-$1"
	echo "CONFIG_X=y" >"root/boot/config-$1"
	cp hello.o "root/lib/modules/$1/kernel/net/hello.ko"
	touch "root/lib/modules/$1"/modules.{order,builtin}
	deb "linux-image-$1" "$2" "$3" "kmod, linux-base (>= 4.3~)"
}

# lists SUITE [KEY]: index the archive as this suite, and sign.
lists() {
	local arch dir=debian/dists/$1
	for arch in amd64 arm64; do
		mkdir -p "$dir/main/binary-$arch"
		(cd debian && dpkg-scanpackages -m -a $arch pool 2>/dev/null) >"$dir/main/binary-$arch/Packages"
	done
	{
		printf 'Origin: Debian\nLabel: Debian\nSuite: %s\nCodename: %s\nArchitectures: amd64 arm64\nComponents: main\nDate: %s\nSHA256:\n' \
			"$1" "$1" "$(date -Ru)"
		(cd "$dir" && find main -type f -printf '%P %s\n' | while read -r f n; do
			echo " $(sha256sum "main/$f" | cut -d' ' -f1) $n main/$f"
		done)
	} >"$dir/Release"
	gpg --homedir "$BATS_FILE_TMPDIR/gnupg" -q --batch --yes -u "${2:-right}@example.com" --clearsign -o "$dir/InRelease" "$dir/Release"
	rm "$dir/Release"
}

setup_file() {
	for tool in apt-get dpkg-deb dpkg-scanpackages gpg depmod modinfo; do
		PATH=$PATH:/usr/sbin:/sbin command -v $tool >/dev/null || skip "there is no $tool"
	done
	cd "$BATS_FILE_TMPDIR" || return 1
	mkdir -m 700 gnupg
	for key in right wrong; do
		gpg --homedir gnupg -q --batch --passphrase '' --quick-gen-key $key@example.com rsa2048 sign never 2>/dev/null
		gpg --homedir gnupg -q --batch --export $key@example.com >$key.gpg
	done
	gpgconf --homedir gnupg --kill all
	echo 'int x; char d[] __attribute__((section(".modinfo"))) = "depends=\0name=hello";' | gcc -x c -c - -o hello.o
	kernel 9.1.0-1-cloud-amd64 9.1.3-1 amd64
	kernel 9.1.0-2-cloud-amd64 9.1.20-1 amd64
	kernel 9.1.0-1-cloud-arm64 9.1.3-1 arm64
	kernel 9.10.0-1-cloud-amd64 9.10.2-1 amd64
	kernel 9.11.0-1-amd64 9.11.1-1 amd64 # a large one, which is not looked at
	# a kernel as from Debian 14 on: the image and the modules are elsewhere
	v=10.2.1-cloud-amd64
	mkdir -p root/usr/share/doc && deb linux-image-$v 10.2.1-1 amd64 "linux-binary-$v (= 10.2.1-1), linux-modules-$v (= 10.2.1-1)"
	mkdir -p root/usr/lib/modules/$v && image $v amd64 >root/usr/lib/modules/$v/vmlinuz && deb linux-binary-$v 10.2.1-1 amd64
	mkdir -p root/usr/lib/modules/$v/kernel && cp hello.o root/usr/lib/modules/$v/kernel/hello.ko && deb linux-modules-$v 10.2.1-1 amd64
	headers 9.1.0-2
	lists bookworm
}

# Header packages with a tiny kbuild in them: its compiler gets an option that no compiler has.
headers() {
	local h=root/usr/src/linux-headers-$1
	mkdir -p "$h"-cloud-amd64 && ln -s ../../lib/linux-kbuild-9.1/scripts "$h"-cloud-amd64/scripts
	echo "include /usr/src/linux-headers-$1-common/Makefile" >"$h"-cloud-amd64/Makefile
	deb "linux-headers-$1-cloud-amd64" 9.1.20-1 amd64 "linux-headers-$1-common (= 9.1.20-1), linux-kbuild-9.1 (>= 9.1.20-1)"
	mkdir -p "$h"-common
	cat >"$h"-common/Makefile <<'EOF'
modules:
	@./scripts/check $(M)
	@cd $(M) && $(CC) -fno-option-of-a-newer-compiler=16 -DHELLO -c -o $(M)/hello.o $(M)/hello.c
	@cp $(M)/hello.o $(M)/hello.ko && echo hello.o >$(M)/modules.order
EOF
	deb "linux-headers-$1-common" 9.1.20-1 all
	mkdir -p root/usr/lib/linux-kbuild-9.1/scripts
	printf '#!/bin/sh\ntest -d "$1"\n' >root/usr/lib/linux-kbuild-9.1/scripts/check
	chmod +x root/usr/lib/linux-kbuild-9.1/scripts/check
	deb linux-kbuild-9.1 9.1.20-1 amd64
}

# apt_config KEY [URI]: what apt is to take for this machine's configuration.
apt_config() {
	mkdir -p etc
	printf 'Types: deb\nURIs: %s\nSuites: bookworm\nComponents: main\nSigned-By: %s\n' "${2:-file://$PWD/debian}" \
		"$BATS_FILE_TMPDIR/$1.gpg" >etc/test.sources
	printf 'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "%s/etc";\nAcquire::Retries "0";\n' "$PWD" >apt.conf
	export APT_CONFIG=$PWD/apt.conf
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	chmod 755 . "$BATS_FILE_TMPDIR" "$BATS_RUN_TMPDIR" 2>/dev/null || true
	cp -r "$BATS_FILE_TMPDIR/debian" "$BATS_FILE_TMPDIR/hello.o" .
	export COOLBPF_CACHE=$PWD/cache
	apt_config right
	arch=
	[ "$(uname -m)" = x86_64 ] || arch=/x86_64
}

# What a test that failed left running.
teardown() {
	[ ! -s pids ] || xargs -a pids kill 2>/dev/null || true
}

fetch() { "$COOLBPF" lab fetch "$@"; }

# What may be in the cache of a fetch that failed: apt's lists and the lock.
nothing_left() {
	[ ! -e cache/lab/tmp ]
	[ -z "$(ls -A cache/lab/kernels 2>/dev/null)" ]
}

@test "the newest of the small kernels whose version begins so" {
	fetch debian:9.1$arch 2>log
	grep -q "9.1.0-2-cloud-amd64" log
	d=cache/lab/kernels/debian_9.1${arch/\//_}
	cmp $d/vmlinuz <(dpkg-deb --fsys-tarfile debian/pool/linux-image-9.1.0-2*.deb | tar -xO ./boot/vmlinuz-9.1.0-2-cloud-amd64)
	cmp $d/modules/9.1.0-2-cloud-amd64/kernel/net/hello.ko hello.o
	grep -qx 'kernel/net/hello.ko:' $d/modules/9.1.0-2-cloud-amd64/modules.dep
	[ -e $d/config ]
	[ "$(jq -r .package $d/info.json)" = "linux-image-9.1.0-2-cloud-amd64 9.1.20-1" ]
	[ "$(jq -r .image $d/info.json)" = "$(sha256sum <$d/vmlinuz | cut -d' ' -f1)" ]
	[ ! -e cache/lab/tmp ]
}

@test "an exact version, a package's own number, and the newest of all" {
	fetch debian:9.1.3$arch debian:9.1.0-1$arch debian:newest$arch debian:9.10$arch
	"$COOLBPF" lab kernels -o json | jq -r '.[] | .name + " " + .release' | sed "s,/x86_64,," >list
	diff list - <<'EOF'
debian:9.1.0-1 9.1.0-1-cloud-amd64
debian:9.1.3 9.1.0-1-cloud-amd64
debian:9.10 9.10.0-1-cloud-amd64
debian:newest 10.2.1-cloud-amd64
EOF
}

@test "an image and modules in packages that it depends on" {
	fetch debian:10$arch
	d=$(echo cache/lab/kernels/*)
	cmp $d/vmlinuz <(dpkg-deb --fsys-tarfile debian/pool/linux-binary*.deb | tar -xO ./usr/lib/modules/10.2.1-cloud-amd64/vmlinuz)
	[ ! -e $d/modules/10.2.1-cloud-amd64/vmlinuz ]
	grep -qx 'kernel/hello.ko:' $d/modules/10.2.1-cloud-amd64/modules.dep
}

@test "another architecture" {
	fetch debian:9.1/arm64
	[ "$("$COOLBPF" lab kernels -o json arm64 | jq -r '.[0].release + " " + .[0].arch')" = "9.1.0-1-cloud-arm64 arm64" ]
}

@test "sources of one line" {
	rm etc/test.sources
	echo "# x" >etc/test.list
	echo "deb [signed-by=$BATS_FILE_TMPDIR/right.gpg] file://$PWD/debian bookworm main" >>etc/test.list
	fetch debian:9.1$arch
	"$COOLBPF" lab kernels | grep -q 9.1.0-2-cloud-amd64
}

@test "the table, and the hint when there is nothing" {
	run "$COOLBPF" lab kernels
	[ "$status" -eq 0 ]
	[[ $output == *"coolbpf lab fetch debian:5.10"* ]]
	fetch debian:9.1$arch
	run "$COOLBPF" lab kernels
	[ "${#lines[@]}" -eq 2 ]
	[[ ${lines[0]} == NAME*RELEASE*ARCH*PACKAGE*SIZE ]]
	[[ ${lines[1]} == debian:9.1*9.1.0-2-cloud-amd64*x86_64*9.1.20-1*M ]]
	run "$COOLBPF" lab kernels '<9'
	[ "${#lines[@]}" -eq 1 ]
	run "$COOLBPF" lab kernels '=='
	assert_failed 2 "no comparison"
}

@test "a version that is not there: which there are" {
	run fetch debian:8.1$arch
	assert_failed 1 "there is no kernel 8.1 for amd64 in these suites of Debian; there are: 9.1, 9.10, 10.2"
	nothing_left
}

@test "what is there is not fetched again, and newer with --refresh" {
	fetch debian:9.1$arch
	kernel 9.1.0-3-cloud-amd64 9.1.21-1 amd64
	lists bookworm
	run fetch debian:9.1$arch
	[[ $output == *"is there: 9.1.0-2-cloud-amd64" ]]
	run fetch --refresh debian:9.1$arch
	[[ $output == *"is 9.1.0-3-cloud-amd64" ]]
	run fetch --refresh debian:9.1$arch
	[[ $output == *"is the newest already: 9.1.0-3-cloud-amd64" ]]
	[ "$(ls cache/lab/kernels | wc -l)" -eq 1 ]
}

@test "a damaged kernel is noticed, and fetched anew" {
	fetch debian:9.1$arch
	d=$(echo cache/lab/kernels/*)
	echo more >>$d/modules/9.1.0-2-cloud-amd64/kernel/net/hello.ko
	run fetch debian:9.1$arch
	[ "$status" -eq 0 ]
	[[ $output == *"damaged and fetched anew"* ]]
	cmp $d/modules/9.1.0-2-cloud-amd64/kernel/net/hello.ko hello.o
	: >$d/vmlinuz
	run "$COOLBPF" lab kernels
	[[ $output == *"1 damaged"* ]]
	fetch debian:9.1$arch
	[ "$("$COOLBPF" lab kernels -o json | jq length)" -eq 1 ]
}

@test "a package that is not what the list says is refused" {
	sed -i 's/HdrS/hdrs/' debian/pool/linux-image-9.1.0-2*
	run fetch debian:9.1$arch
	[ "$status" -eq 1 ]
	[[ $output == *"what the mirror sends is not what its signature says"* ]]
	nothing_left
}

@test "a list that is not what the signature says is refused" {
	sed -i 's/9.1.20-1/9.1.30-1/' debian/dists/bookworm/main/binary-amd64/Packages
	run fetch debian:9.1$arch
	[ "$status" -eq 1 ]
	[[ $output == *"cannot fetch Debian's lists of packages"* ]]
	nothing_left
}

@test "a signature by a key that is not trusted is refused, and none at all" {
	lists bookworm wrong
	run fetch debian:9.1$arch
	[ "$status" -eq 1 ]
	[[ $output == *"nobody that is trusted signed it"* ]]
	nothing_left
	sed '/^-----BEGIN PGP SIGNATURE/,$d; /^-----BEGIN/d; /^Hash:/d' debian/dists/bookworm/InRelease >debian/dists/bookworm/Release
	rm debian/dists/bookworm/InRelease
	run fetch debian:9.1$arch
	[ "$status" -eq 1 ]
	[[ $output == *"is not signed"* ]]
	# what this machine trusts for its own packages is not enough
	sed -i 's/^Signed-By.*/Trusted: yes/' etc/test.sources
	run fetch debian:9.1$arch
	[ "$status" -eq 1 ]
	nothing_left
}

@test "suites that the mirror has not are left out; without any it is an error" {
	run fetch debian:9.1$arch
	[ "$status" -eq 0 ]
	[[ $output == *"has no suite trixie: left out"* ]]
	run fetch --suites trixie,sid debian:9.1.3$arch
	assert_failed 1 "the mirror has none of the suites"
	run fetch --suites 'a b' debian:9.1.3$arch
	assert_failed 1 '"a b" is no name of a suite'
}

@test "another mirror, with the keys of this machine" {
	mv debian other
	run fetch debian:9.1$arch
	[ "$status" -eq 1 ]
	fetch --mirror "file://$PWD/other" debian:9.1$arch
	run fetch --mirror nonsense debian:9.1.3$arch
	assert_failed 1 '"nonsense" is no address of a mirror'
}

@test "no mirror answers" {
	run fetch --mirror http://127.0.0.1:1/debian debian:9.1$arch
	[ "$status" -eq 1 ]
	[[ $output == *"no mirror answers"* ]]
	nothing_left
}

@test "no apt-get" {
	mkdir bin
	run "$(command -v env)" PATH="$PWD/bin" "$COOLBPF" lab fetch debian:9.1$arch
	[ "$status" -eq 1 ]
	[[ $output == *"there is no apt-get here"* ]]
}

@test "names that are none" {
	for name in 6.1 fedora:6.1 debian:6.1/mips debian:../x; do
		run fetch $name
		[ "$status" -eq 1 ]
		[ ! -e cache/lab/kernels ]
	done
	run fetch
	[ "$status" -eq 2 ]
}

@test "two at once: one waits, both have it" {
	mkdir -p cache/lab
	exec 5>cache/lab/lock
	flock 5
	fetch debian:9.1$arch 2>one 5>&- &
	first=$!
	fetch debian:9.1$arch 2>two 5>&- &
	second=$!
	until grep -q "waiting for another" one && grep -q "waiting for another" two; do sleep 0.05; done
	exec 5>&-
	wait $first
	wait $second
	[ "$("$COOLBPF" lab kernels -o json | jq length)" -eq 1 ]
	cat one two | grep -q "is there: 9.1.0-2"
}

# Does this process run? Where nobody waits for it, a dead one stays as a zombie.
is_there() {
	[ -e "/proc/$1/status" ] && ! grep -q '^State:.[ZX]' "/proc/$1/status" 2>/dev/null
}

@test "interrupted and killed: nothing is left, and the next one goes on" {
	command -v python3 >/dev/null || skip "there is no python3"
	cat >slow.py <<'EOF'
import http.server, time, sys
class Slow(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path.endswith(".deb"):
            open("asked", "w").close()
            time.sleep(60)
        super().do_GET()
    def log_message(self, *a):
        pass
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow)
print(s.server_address[1], flush=True)
s.serve_forever()
EOF
	python3 slow.py >port 3>&- &
	server=$!
	echo $server >>pids
	until [ -s port ]; do sleep 0.05; done
	for signal in INT TERM KILL; do
		rm -f asked
		# a background job of this shell ignores SIGINT
		env --default-signal=INT "$COOLBPF" lab fetch --mirror "http://127.0.0.1:$(cat port)/debian" debian:9.1$arch >/dev/null 2>log 3>&- &
		pid=$!
		echo $pid >>pids
		for _ in $(seq 1200); do [ ! -e asked ] || break; sleep 0.1; done
		[ -e asked ]
		apt=$(pgrep -P "$(pgrep -P $pid)" apt-get)
		kill -s $signal $pid
		for _ in $(seq 600); do is_there $apt || break; sleep 0.1; done
		if is_there $apt; then
			echo "apt-get outlived SIG$signal"
			return 1
		fi
		wait $pid || true
		if [ $signal = KILL ]; then
			[ -e cache/lab/tmp ]
		else
			nothing_left
		fi
	done
	kill $server
	wait $server || true
	rm pids
	fetch debian:9.1$arch
	[ ! -e cache/lab/tmp ]
}

@test "without root" {
	[ "$(id -u)" -eq 0 ] || skip "this is not root: all other tests are without"
	command -v setpriv >/dev/null || skip "there is no setpriv"
	mkdir cache && chown -R 65534:65534 cache etc debian apt.conf "$PWD"
	setpriv --reuid=65534 --regid=65534 --clear-groups test -x "$COOLBPF" -a -r etc/test.sources ||
		skip "others than root cannot reach the build directory"
	HOME=$PWD setpriv --reuid=65534 --regid=65534 --clear-groups "$COOLBPF" lab fetch debian:9.1$arch
	[ "$("$COOLBPF" lab kernels -o json | jq length)" -eq 1 ]
}

@test "a full disk" {
	[ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null || skip "no mount namespace can be made here"
	mkdir cache
	head -c 120000000 /dev/zero >root.bin
	mkdir -p root/boot && mv root.bin root/boot/ && deb linux-image-9.12.0-1-cloud-amd64 9.12.1-1 amd64
	lists bookworm
	# before the lists are fetched, and while a package is unpacked
	run unshare -m sh -c 'mount -t tmpfs -o size=4m none cache && "$COOLBPF" lab fetch debian:9.12'$arch
	assert_failed 1 "the disk is full: there are 4 MB left for"
	run unshare -m sh -c 'mount -t tmpfs -o size=105m none cache && "$COOLBPF" lab fetch debian:9.12'$arch
	[ "$status" -eq 1 ]
	[[ $output == *"fetching linux-image-9.12"* ]]
	[[ $output == *"the disk is full"* || $output == *"No space left on device"* ]]
}

@test "a module: against headers that are unpacked, an option that the compiler does not know left out" {
	command -v gcc >/dev/null || skip "there is no gcc"
	[ "$(uname -m)" = x86_64 ] || skip "the headers of this test are for x86_64"
	fetch debian:9.1
	mkdir mod
	echo 'obj-m := hello.o' >mod/Kbuild
	echo 'char d[] __attribute__((section(".modinfo"))) = "depends=\0name=hello"; int y = sizeof(__FILE__);' >mod/hello.c
	run "$COOLBPF" lab module --kernels 9.1 --output-dir out mod
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"does not know -fno-option-of-a-newer-compiler=16: left out"* ]]
	[[ $output == *"debian:9.1: hello" ]]
	[ "$(modinfo -F name out/9.1.0-2-cloud-amd64/hello.ko)" = hello ]
	[ "$(ls mod | tr '\n' ' ')" = "Kbuild hello.c " ]
	# a directory that nobody may write to; a place in which make cannot build
	cp -r mod "$BATS_TEST_TMPDIR/ro" && echo 'int z;' >>ro/hello.c && chmod -R a-w ro
	"$COOLBPF" lab module -q --kernels 9.1 ro
	[ ! -e cache/lab/tmp ]
	chmod -R u+w ro
	echo '//' >>ro/hello.c
	mv cache 'a cache'
	COOLBPF_CACHE=$PWD/'a cache' run "$COOLBPF" lab module -q --kernels 9.1 ro
	assert_failed 1 'it has a blank or colon in it; $COOLBPF_CACHE names another place'
	mv 'a cache' cache
	# kept by what it is made of
	run "$COOLBPF" lab module --kernels 9.1 mod
	[ "$output" = "debian:9.1: hello" ]
	echo '#error no' >>mod/hello.c
	run "$COOLBPF" lab module --kernels 9.1 mod
	[ "$status" -eq 1 ]
	[[ $output == *"the module in mod cannot be built for debian:9.1:"* ]]
	[[ $output == *"mod/hello.c:2:2: error: #error no"* ]]
	[[ $output != *"cache/lab/tmp"* ]]
	[ ! -e cache/lab/tmp ]
	run "$COOLBPF" lab module etc
	assert_failed 1 "etc is no directory of a module"
}

@test "a module for the kernel without eBPF, which is in the user's cache" {
	unset COOLBPF_CACHE
	"$COOLBPF" lab kernels debian:5.10-nobpf -o json | jq -e length >/dev/null 2>&1 || skip "this cache has no kernels"
	[ "$("$COOLBPF" lab kernels debian:5.10-nobpf -o json | jq length)" -eq 1 ] ||
		skip "debian:5.10-nobpf is not in the cache (coolbpf lab fetch debian:5.10-nobpf)"
	json=$("$COOLBPF" lab kernels debian:5.10-nobpf -o json)
	release=$(jq -r '.[0].release' <<<"$json")
	mkdir mod
	echo 'obj-m := lab_test.o' >mod/Kbuild
	printf '#include <linux/module.h>\nMODULE_LICENSE("GPL");\n' >mod/lab_test.c
	"$COOLBPF" lab module --kernels debian:5.10-nobpf --output-dir out mod
	[[ "$(/sbin/modinfo -F vermagic out/$release/lab_test.ko)" == "$release "* ]]
	# it is what it says it is
	run grep -x CONFIG_BPF_SYSCALL=y "$(dirname "$(jq -r '.[0].image' <<<"$json")")/config"
	[ "$status" -eq 1 ]
}
