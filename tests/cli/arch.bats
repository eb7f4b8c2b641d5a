#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# coolbpf build --arch: objects for machines of another architecture; and --btf with kernel images.

load common

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	# what an arm64 kernel's BTF says of the registers of a kprobe (include/uapi/asm/ptrace.h)
	cat >arm64.c <<-'END'
		struct user_pt_regs { unsigned long long regs[31], sp, pc, pstate; };
		struct pt_regs { union { struct user_pt_regs user_regs; struct { unsigned long long regs[31], sp, pc, pstate; }; }; };
		struct pt_regs regs;
		struct user_pt_regs user_regs;
		/* and what libbpf's headers ask for */
		#include <linux/bpf.h>
		__u8 u8; __u16 u16; __u32 u32; __u64 u64; __s8 s8; __s16 s16; __s32 s32; __s64 s64;
		__be16 be16; __be32 be32; __wsum wsum; enum bpf_map_type map_type;
	END
	clang -g -c -target bpf -idirafter "/usr/include/$(uname -m)-linux-gnu" arm64.c -o arm64.btf
	cat >probe.bpf.c <<-'END'
		#include "lbc.h"
		SEC("kprobe/some_function")
		int BPF_KPROBE(probe, unsigned long first, unsigned long second)
		{
			return second == 4711;
		}
		char LICENSE[] SEC("license") = "GPL";
	END
	export COOLBPF_CACHE=$PWD/cache
	cached=${XDG_CACHE_HOME:-$HOME/.cache}/coolbpf/lab/kernels
}

loads() {
	llvm-objdump -d "$1" | grep -c "\*(u64 \*)(r1 + $2)"
}

@test "a kprobe reads the second argument where the architecture has it" {
	"$COOLBPF" build --arch aarch64 --btf arm64.btf probe.bpf.c -o arm.o
	[ "$(loads arm.o 8)" -eq 1 ] # regs[1]
	# the same for x86-64, whose struct pt_regs has si as its 14th member
	"$COOLBPF" build --arch x86_64 --btf /sys/kernel/btf/vmlinux probe.bpf.c -o x86.o
	[ "$(loads x86.o 104)" -eq 1 ]
}

@test "Debian's names of architectures are the same" {
	"$COOLBPF" build --arch aarch64 --btf arm64.btf probe.bpf.c -o one.o
	"$COOLBPF" build --arch arm64 --btf arm64.btf probe.bpf.c -o two.o
	cmp one.o two.o
}

@test "without --arch it is this machine's" {
	"$COOLBPF" build probe.bpf.c -o one.o
	"$COOLBPF" build --arch "$(uname -m)" probe.bpf.c -o two.o
	cmp one.o two.o
}

@test "a shared library holds a loader for that architecture" {
	"$COOLBPF" build --arch arm64 --btf arm64.btf --format so probe.bpf.c -o probe.so
	llvm-readelf -h probe.so | grep -q AArch64
}

@test "another architecture's sources may include the kernel's headers" {
	[ -d /usr/aarch64-linux-gnu/include/asm ] || skip "libc6-dev-arm64-cross is not installed"
	sed -i '1i #include <linux/errno.h>' probe.bpf.c
	"$COOLBPF" build --arch arm64 --btf arm64.btf probe.bpf.c -o probe.o
}

@test "an architecture that is not there is an error" {
	run "$COOLBPF" build --arch vax probe.bpf.c
	assert_failed 1 'there is no architecture "vax"; it is called as uname -m says it: x86_64, aarch64'
	[ ! -e probe.bpf.o ]
}

@test "another architecture needs the BTF of one of its kernels" {
	[ "$(uname -m)" = x86_64 ] || skip "this machine is not x86_64"
	run "$COOLBPF" build --arch arm64 probe.bpf.c
	assert_failed 1 "the running kernel's types are not those of aarch64; name a kernel image or BTF of that with --btf FILE"
}

@test "BTF may be compressed" {
	bpftool btf dump file /sys/kernel/btf/vmlinux >/dev/null 2>&1 || skip "this kernel has no BTF"
	cp /sys/kernel/btf/vmlinux kernel.btf
	xz -0 -k kernel.btf
	"$COOLBPF" build --btf kernel.btf probe.bpf.c -o one.o
	"$COOLBPF" build --btf kernel.btf.xz probe.bpf.c -o two.o
	cmp one.o two.o
}

@test "a file that only begins like a kernel image is an error that names it" {
	printf '\xfd7zXZ\0and so on' >image
	run "$COOLBPF" build --btf image probe.bpf.c
	assert_failed 1 "image: the kernel image: what is compressed with xz is corrupt or cut"
}

# The ELF file in a bzImage, as the kernel's scripts/extract-vmlinux finds it: by trying what looks packed.
unpack_bzimage() {
	local magic program at
	while read -r magic program; do
		while read -r at; do
			tail -c "+$((at + 1))" "$1" | $program 2>/dev/null >vmlinux || :
			if readelf -h vmlinux >/dev/null 2>&1; then
				return 0
			fi
		done < <(LC_ALL=C grep -abo --text -P "$magic" "$1" | LC_ALL=C cut -d: -f1)
	done <<-'END'
		\x02\x21\x4c\x18 lz4 -dcq
		\xfd7zXZ\x00 xz -dcq
		\x28\xb5\x2f\xfd zstd -dcq
		\x1f\x8b\x08 gzip -dcq
	END
	return 1
}

@test "the BTF of x86 kernel images is that of their vmlinux" {
	local image n=0
	need_command lz4
	for image in "$cached"/*/vmlinuz; do
		file "$image" | grep -q 'x86 boot executable' || continue
		unpack_bzimage "$image"
		rm -f btf
		objcopy --dump-section .BTF=btf vmlinux /dev/null 2>/dev/null
		[ -s btf ] || continue # built without eBPF
		rm -rf cache
		"$COOLBPF" build --arch x86_64 --btf "$image" probe.bpf.c -o probe.o
		echo "$image"
		[ -e "cache/btf/$(sha256sum <btf | cut -d' ' -f1).idx" ]
		n=$((n + 1))
	done
	[ $n -gt 0 ] || skip "no x86 kernel is in the lab's cache (coolbpf lab fetch debian:6.1)"
	echo "# $n kernels" >&3
}

@test "tools compile for arm64 kernels, given their images" {
	local image n=0
	for image in "$cached"/*arm64/vmlinuz; do
		[ -e "$image" ] || continue
		for tool in "$SRC"/tools/*.bpf.c; do
			"$COOLBPF" build --arch arm64 --btf "$image" "$tool" -o tool.o
		done
		n=$((n + 1))
	done
	[ $n -gt 0 ] || skip "no arm64 kernel is in the lab's cache (coolbpf lab fetch debian:6.1/arm64)"
}
