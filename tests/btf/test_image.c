// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_image.c - the BTF in kernel images: made here of parts, packed by the programs that kernels' builds call. */
#include "check.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "btf/image.h"
#include "btf/unpack.h"

enum { BTF_TYPES = 2000, SIZE_MAX_TEST = 64 << 20 };

struct bytes {
	char *data;
	size_t len;
};

static struct bytes kernel_btf; /* larger than a library's buffer */

static char path[] = "/tmp/coolbpf-test-image.XXXXXX";

/* ---- Parts ------------------------------------------------------------------------------------------------------- */

static struct bytes make_btf(int types)
{
	struct btf *btf = btf__new_empty();
	struct bytes b = {0};
	char name[32];
	__u32 size;

	for (int i = 0; i < types; i++) {
		snprintf(name, sizeof(name), "type_%d", i * 7919);
		assert_true(btf__add_int(btf, name, 4, 0) > 0);
	}
	b.data = malloc(1 << 20);
	memcpy(b.data, btf__raw_data(btf, &size), 1);
	memcpy(b.data, btf__raw_data(btf, &size), size);
	b.len = size;
	btf__free(btf);
	return b;
}

/* What "COMMAND <file" says, in out. */
static void run(const char *command, const void *data, size_t len, struct cb_buf *out)
{
	char line[256], part[4096];
	size_t n;
	FILE *f;

	assert_int_equal(cb_file_write(path, data, len, 0600, NULL), 0);
	snprintf(line, sizeof(line), "%s <%s", command, path);
	f = popen(line, "r");
	assert_non_null(f);
	while ((n = fread(part, 1, sizeof(part), f)))
		cb_buf_add(out, part, n);
	if (pclose(f))
		skip_because("%s does not work here", command);
}

static void put32(char *at, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		at[i] = (char)(v >> 8 * i);
}

static void add32(struct cb_buf *b, uint32_t v)
{
	char le[4];

	put32(le, v);
	cb_buf_add(b, le, 4);
}

static void zeros(struct cb_buf *b, size_t n)
{
	while (n--)
		cb_buf_ch(b, 0);
}

/* A flat arm64 kernel: its header, what begins like BTF and is none, a small one, the kernel's where nothing is aligned. */
static struct cb_buf make_flat(const struct bytes *btf)
{
	struct bytes small = make_btf(3);
	struct cb_buf b = {0};

	zeros(&b, 56);
	cb_buf_add(&b, "ARM\x64", 4);
	zeros(&b, 100);
	cb_buf_add(&b, "\x9f\xeb\x01\0\x18\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 24);
	cb_buf_add(&b, small.data, small.len);
	zeros(&b, 4097 - b.len % 2);
	if (btf)
		cb_buf_add(&b, btf->data, btf->len);
	zeros(&b, 33);
	cb_buf_add(&b, "\x9f\xeb\x01", 3);
	free(small.data);
	return b;
}

static void shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void shell(const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	assert_int_equal(system(line), 0);
}

/* An ELF file (an object: sections are what matters) with these bytes as a section of this name. */
static struct cb_buf make_elf(const struct bytes *btf, const char *name)
{
	struct cb_buf b = {0};

	assert_int_equal(cb_file_write(path, btf->data, btf->len, 0600, NULL), 0);
	shell("echo 'int x;' | cc -x c -c -o %s.o - && objcopy --add-section %s=%s %s.o", path, name, path, path);
	shell("mv %s.o %s", path, path);
	assert_int_equal(cb_file_read(path, SIZE_MAX_TEST, &b.data, &b.len, NULL), 0);
	b.cap = b.len;
	return b;
}

/* x86's: 5 sectors of setup, 64 bytes, and the payload. */
static struct cb_buf make_bzimage(const struct cb_buf *payload)
{
	struct cb_buf b = {0};

	zeros(&b, 5 * 512 + 64);
	b.data[0x1f1] = 4;
	memcpy(b.data + 0x202, "HdrS\x0f\x02", 6);
	put32(b.data + 0x248, 64);
	put32(b.data + 0x24c, (uint32_t)payload->len);
	cb_buf_add(&b, payload->data, payload->len);
	zeros(&b, 1000);
	return b;
}

static struct cb_buf make_zboot(const struct cb_buf *payload)
{
	struct cb_buf b = {0};

	cb_buf_add(&b, "MZ\0\0zimg", 8);
	add32(&b, 128);
	add32(&b, (uint32_t)payload->len);
	zeros(&b, 112);
	cb_buf_add(&b, payload->data, payload->len);
	zeros(&b, 1000);
	return b;
}

/* ---- What comes out ---------------------------------------------------------------------------------------------- */

static void assert_found(const struct cb_buf *image, const char *what)
{
	struct cb_buf btf = {0};
	struct cb_err e = {0};

	assert_true(cb_is_image(image->data, image->len < CB_IMAGE_HEAD ? image->len : CB_IMAGE_HEAD) ||
		    !memcmp(image->data,
			    "\x7f"
			    "ELF",
			    4));
	if (cb_image_btf(image->data, image->len, SIZE_MAX_TEST, &btf, &e))
		fail_msg("%s: %s", what, e.text);
	if (btf.len != kernel_btf.len || memcmp(btf.data, kernel_btf.data, btf.len))
		fail_msg("%s: other BTF, %zu bytes for %zu", what, btf.len, kernel_btf.len);
	cb_buf_free(&btf);
}

static void assert_refused(const struct cb_buf *image, int err, const char *words)
{
	struct cb_buf btf = {0};
	struct cb_err e = {0};

	assert_int_equal(cb_image_btf(image->data, image->len, SIZE_MAX_TEST, &btf, &e), -err);
	if (!strstr(e.text, words))
		fail_msg("'%s' does not say '%s'", e.text, words);
	cb_buf_free(&btf);
}

/* ---- Tests ------------------------------------------------------------------------------------------------------- */

static void flat(void **state)
{
	struct cb_buf image = make_flat(&kernel_btf);

	assert_found(&image, "Image");
	cb_buf_free(&image);
}

static void elf(void **state)
{
	struct cb_buf image = make_elf(&kernel_btf, ".BTF");

	assert_found(&image, "vmlinux");
	cb_buf_free(&image);
}

/* As scripts/Makefile.lib of the kernel calls them, but for sizes of windows. Behind all but gzip stands the size, unpacked. */
static const char *const packers[] = {
	"gzip -n -f -9", "xz --check=crc32 --lzma2=dict=8MiB", "lzma -9", "bzip2 -9", "zstd -q -19", "lz4 -q -l -9 - -",
};

static void packed_payloads(void **state)
{
	struct cb_buf kernel = make_elf(&kernel_btf, ".BTF"), image = make_flat(&kernel_btf);

	for (size_t i = 0; i < sizeof(packers) / sizeof(*packers); i++) {
		struct cb_buf x86 = {0}, arm = {0}, bz, zboot;

		run(packers[i], kernel.data, kernel.len, &x86);
		run(packers[i], image.data, image.len, &arm);
		if (i) {
			add32(&x86, (uint32_t)kernel.len);
			add32(&arm, (uint32_t)image.len);
		}
		bz = make_bzimage(&x86);
		zboot = make_zboot(&arm);
		assert_found(&bz, packers[i]);
		assert_found(&zboot, packers[i]);
		assert_found(&arm, packers[i]); /* Image.gz */
		cb_buf_free(&bz);
		cb_buf_free(&zboot);
		cb_buf_free(&x86);
		cb_buf_free(&arm);
	}
	cb_buf_free(&kernel);
	cb_buf_free(&image);
}

static void plain_payload(void **state)
{
	struct cb_buf kernel = make_elf(&kernel_btf, ".BTF"), bz = make_bzimage(&kernel);

	assert_found(&bz, "CONFIG_KERNEL_UNCOMPRESSED");
	cb_buf_free(&bz);
	cb_buf_free(&kernel);
}

/* More than one block of lz4's, and of all that the others read at once. */
static void large(void **state)
{
	static const char *const fast[] = {"gzip -1", "xz -0", "lzma -0", "bzip2 -1", "zstd -q -1", "lz4 -q -l - -"};
	struct cb_buf kernel = {0};
	uint32_t random = 1;

	while (kernel.len < 9 << 20) {
		random = random * 1103515245 + 12345;
		cb_buf_u64(&kernel, random >> 20);
	}
	for (size_t i = 0; i < sizeof(fast) / sizeof(*fast); i++) {
		struct cb_buf packed = {0}, out = {0};
		struct cb_err e = {0};

		run(fast[i], kernel.data, kernel.len, &packed);
		if (cb_unpack(packed.data, packed.len, kernel.len, &out, &e))
			fail_msg("%s: %s", fast[i], e.text);
		assert_int_equal(out.len, kernel.len);
		assert_memory_equal(out.data, kernel.data, out.len);
		out.len = 0;
		assert_int_equal(cb_unpack(packed.data, packed.len, kernel.len - 1, &out, &e), -EFBIG);
		assert_non_null(strstr(e.text, "is larger than"));
		cb_buf_free(&out);
		cb_buf_free(&packed);
	}
	cb_buf_free(&kernel);
}

/* At every length but the whole there is an error: no crash, no endless loop, no other BTF. */
static void cut(void **state)
{
	struct cb_buf image = make_flat(&kernel_btf);

	for (size_t i = 0; i < sizeof(packers) / sizeof(*packers); i++) {
		struct cb_buf packed = {0}, out = {0};

		run(packers[i], image.data, image.len, &packed);
		for (size_t len = 8; len < packed.len; len += packed.len / 40 + 1) {
			struct cb_err e = {0};
			int err;

			out.len = 0;
			err = cb_unpack(packed.data, len, SIZE_MAX_TEST, &out, &e);
			if (err != -EINVAL && !(i == 5 && !err && out.len < image.len)) /* lz4's format has no end */
				fail_msg("%s, %zu bytes of %zu: %d", packers[i], len, packed.len, err);
		}
		cb_buf_free(&out);
		cb_buf_free(&packed);
	}
	cb_buf_free(&image);
}

static void corrupt(void **state)
{
	struct cb_buf image = make_flat(&kernel_btf), packed = {0}, bz;

	run("xz", image.data, image.len, &packed);
	packed.data[packed.len / 2] ^= 1;
	assert_refused(&packed, EINVAL, "the kernel image: what is compressed with xz is corrupt or cut");
	bz = make_bzimage(&packed);
	assert_refused(&bz, EINVAL, "xz is corrupt or cut");
	put32(bz.data + 0x24c, (uint32_t)bz.len);
	assert_refused(&bz, EINVAL, "the kernel image is cut");
	put32(bz.data + 0x24c, 0);
	assert_refused(&bz, EINVAL, "the kernel image is cut");
	put32(bz.data + 0x248, UINT32_MAX);
	put32(bz.data + 0x24c, UINT32_MAX);
	assert_refused(&bz, EINVAL, "the kernel image is cut");
	bz.data[0x206] = 7; /* a protocol that says nothing of a payload */
	assert_refused(&bz, EINVAL, "not a kernel image that is known");
	cb_buf_free(&bz);
	cb_buf_free(&packed);
	cb_buf_free(&image);
}

static void without_btf(void **state)
{
	struct cb_buf other = make_elf(&kernel_btf, ".other"), b = {0};
	struct cb_buf empty = make_elf(&(struct bytes){.data = "", .len = 0}, ".BTF");

	assert_refused(&empty, EINVAL, "built without BTF (CONFIG_DEBUG_INFO_BTF)");
	cb_buf_free(&empty);

	assert_refused(&other, EINVAL, "built without BTF (CONFIG_DEBUG_INFO_BTF)");
	other.data[4] = 1; /* 32 bits */
	assert_refused(&other, ENOTSUP, "another word size or byte order");
	cb_buf_free(&other);
	zeros(&b, 56);
	cb_buf_add(&b, "ARM\x64", 4);
	zeros(&b, 5000);
	assert_refused(&b, EINVAL, "built without BTF (CONFIG_DEBUG_INFO_BTF)");
	cb_buf_free(&b);
}

static void not_an_image(void **state)
{
	struct cb_buf b = {0};

	cb_buf_str(&b, "\x89LZO and so on, as long as it takes");
	assert_refused(&b, ENOTSUP, "compressed with lzo, which coolbpf cannot undo");
	b.len = 0;
	zeros(&b, 2000);
	assert_refused(&b, EINVAL, "not a kernel image that is known");
	assert_false(cb_is_image(b.data, b.len));
	assert_false(cb_is_image(b.data, 0));
	b.len = 0;
	assert_refused(&b, EINVAL, "not a kernel image that is known");
	cb_buf_free(&b);
}

/* Compressed again and again: it ends. */
static void many_layers(void **state)
{
	struct cb_buf image = make_flat(&kernel_btf);

	for (int i = 0; i < 6; i++) {
		struct cb_buf packed = {0};

		run("gzip -1", image.data, image.len, &packed);
		cb_buf_free(&image);
		image = packed;
	}
	assert_refused(&image, EINVAL, "not a kernel image that is known");
	cb_buf_free(&image);
}

static int setup(void **state)
{
	int fd = mkstemp(path);

	if (fd < 0)
		return -1;
	fclose(fdopen(fd, "r"));
	kernel_btf = make_btf(BTF_TYPES);
	return 0;
}

static int teardown(void **state)
{
	free(kernel_btf.data);
	return remove(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flat),		 cmocka_unit_test(elf),		cmocka_unit_test(packed_payloads),
		cmocka_unit_test(plain_payload), cmocka_unit_test(large),	cmocka_unit_test(cut),
		cmocka_unit_test(corrupt),	 cmocka_unit_test(without_btf), cmocka_unit_test(not_an_image),
		cmocka_unit_test(many_layers),
	};

	return cmocka_run_group_tests_name("image", tests, setup, teardown);
}
