#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
"""lab.py BUILD [--runs N] [--json] [--check]: what a boot of the lab costs, and what a test.

For each kernel of the cache (of those below): seconds from qemu's start to the first line of a script in the guest, and CPU
seconds of qemu until then, for a guest by hand (the kernel as it is, busybox and a script, the same machine) and for the
lab's, in turns; then seconds for each test of the tools. Medians of N runs (5). --check: the exit status is 1 when the lab
takes more than LIMIT times what the guest by hand takes.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

KERNELS = ["debian:5.10", "debian:6.1", "debian:6.12", "debian:newest", "debian:6.1/arm64"]
LIMIT = 1.2
QEMU = {
    "x86_64": "qemu-system-x86_64 -M q35,hpet=off,smm=off -cpu max,-cx16",
    "arm64": "qemu-system-aarch64 -M virt,gic-version=max -cpu cortex-a57",
}
COMMON = ("-accel tcg,thread=multi -m 1G -smp 2 -nodefaults -no-user-config -display none -serial stdio -no-reboot")
APPEND = {
    "x86_64": "console=ttyS0 loglevel=1 panic=-1 reboot=t tsc=reliable no_timer_check pci=off",
    "arm64": "console=ttyAMA0 loglevel=1 panic=-1",
}
INIT = "#!/bin/sh\necho FIRST-LINE\n/bin/busybox reboot -f\n"


def initramfs(folder, busybox):
    """busybox and a script, packed by cpio."""
    os.makedirs(f"{folder}/root/bin")
    os.makedirs(f"{folder}/root/dev")
    subprocess.run(["cp", busybox, f"{folder}/root/bin/busybox"], check=True)
    os.symlink("busybox", f"{folder}/root/bin/sh")
    with open(f"{folder}/root/init", "w", encoding="ascii") as f:
        f.write(INIT)
    os.chmod(f"{folder}/root/init", 0o755)
    subprocess.run(["mknod", f"{folder}/root/dev/console", "c", "5", "1"], check=True)
    with open(f"{folder}/initramfs", "wb") as out:
        subprocess.run(f"cd {folder}/root && find . | cpio -o -H newc --quiet", shell=True, stdout=out, check=True)
    return f"{folder}/initramfs"


def by_hand(kernel, initrd, again=True):
    """Seconds and CPU seconds until the script's first line."""
    command = QEMU[kernel["arch"]].split() + COMMON.split() + [
        "-kernel", kernel["image"], "-initrd", initrd, "-append", APPEND[kernel["arch"]]]
    start = time.monotonic()
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as qemu:
        for line in qemu.stdout:
            if b"FIRST-LINE" in line:
                wall = time.monotonic() - start
                with open(f"/proc/{qemu.pid}/stat", encoding="ascii") as f:
                    fields = f.read().rsplit(") ", 1)[1].split()
                cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
                qemu.kill()
                return wall, cpu
    if again:
        print(f"{kernel['name']}: a boot by hand failed", file=sys.stderr)
        return by_hand(kernel, initrd, False)
    raise SystemExit(f"{kernel['name']}: the guest by hand does not boot")


def lab(coolbpf, kernel, tests):
    """The report of these tests; CPU seconds of all of it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([coolbpf, "lab", "run", "--no-kvm", "-o", "json", "--kernels", kernel["name"]] + tests,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr.decode())
    return json.loads(done.stdout), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    args = argparse.ArgumentParser(description=__doc__)
    args.add_argument("build")
    args.add_argument("--runs", type=int, default=5)
    args.add_argument("--json", action="store_true")
    args.add_argument("--check", action="store_true")
    args = args.parse_args()
    coolbpf = f"{args.build}/src/cli/coolbpf"
    known = {k["name"]: k for k in json.loads(subprocess.check_output([coolbpf, "lab", "kernels", "-o", "json"]))}
    rows, worst = [], 0
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/nothing.lab", "w", encoding="ascii") as f:
            f.write("command true\n")
        for name in (n for n in KERNELS if n in known):
            kernel = known[name]
            busybox = "/bin/busybox" if kernel["arch"] == "x86_64" else "build-arm64/busybox"
            if not os.path.exists(busybox):
                print(f"without {name}: there is no {busybox}", file=sys.stderr)
                continue
            here = f"{folder}/{kernel['arch']}"
            initrd = f"{here}/initramfs" if os.path.exists(here) else initramfs(here, busybox)
            hand, ours = [], []
            for _ in range(args.runs):
                hand.append(by_hand(kernel, initrd))
                report, cpu = lab(coolbpf, kernel, [f"{folder}/nothing.lab"])
                if report["failed"]:
                    raise SystemExit(f"{name}: {json.dumps(report['results'], indent=1)}")
                ours.append((report["kernels"][0]["boot_seconds"], report["results"][0]["seconds"], report["seconds"], cpu))
            tools, _ = lab(coolbpf, kernel, ["tools"])
            tests = {r["test"]: r["seconds"] for r in tools["results"] if r["verdict"] == "pass"}
            rows.append({
                "kernel": name, "release": kernel["release"],
                "by_hand_s": statistics.median(h[0] for h in hand), "by_hand_cpu_s": statistics.median(h[1] for h in hand),
                "lab_s": statistics.median(o[0] for o in ours), "lab_whole_s": statistics.median(o[2] for o in ours),
                "lab_whole_cpu_s": statistics.median(o[3] for o in ours),
                "empty_test_s": statistics.median(o[1] for o in ours),
                "tools": len(tests), "tools_s": tools["seconds"], "test_median_s": statistics.median(tests.values()),
                "test_longest": max(tests, key=tests.get), "test_longest_s": max(tests.values()),
            })
            worst = max(worst, rows[-1]["lab_s"] / rows[-1]["by_hand_s"])
    if args.json:
        print(json.dumps(rows, indent=1))
    else:
        print(f"{'kernel':<18}{'by hand':>9}{'lab':>8}{'ratio':>7}{'whole run':>11}{'its CPU':>9}{'no-op test':>12}"
              f"{'tools':>7}{'all':>8}{'median':>8}{'longest':>9}")
        for r in rows:
            print(f"{r['kernel']:<18}{r['by_hand_s']:>8.2f}s{r['lab_s']:>7.2f}s{r['lab_s'] / r['by_hand_s']:>7.2f}"
                  f"{r['lab_whole_s']:>10.2f}s{r['lab_whole_cpu_s']:>8.2f}s{r['empty_test_s']:>11.2f}s"
                  f"{r['tools']:>7}{r['tools_s']:>7.0f}s{r['test_median_s']:>7.2f}s{r['test_longest_s']:>8.2f}s")
    return 1 if args.check and worst > LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
