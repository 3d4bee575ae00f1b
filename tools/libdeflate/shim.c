// What the WebAssembly module shows of libdeflate: a place for what goes in, one for what comes out, and a function over
// them. There is no C library below it.
//
//   input()  output()           where the two places are, each of CAPACITY bytes
//   compress(level, length)     makes a zlib stream of the input's first bytes and says how long it is: 0 where it would
//                               not be shorter than they are, -1 where there is no such level or no memory

#include "libdeflate.h"

enum { CAPACITY = 1 << 20, LEVELS = 12 };

static unsigned char input_bytes[CAPACITY];
static unsigned char output_bytes[CAPACITY];

extern unsigned char __heap_base;
static unsigned long heap_top;

// Compressors are made once and live as long as the module, so nothing is ever given back.
static void *take(size_t size)
{
	unsigned long at, end, have = __builtin_wasm_memory_size(0) * 65536;

	if (heap_top == 0)
		heap_top = (unsigned long)&__heap_base;
	at = (heap_top + 63) & ~63ul;
	end = at + size;
	if (end > have && __builtin_wasm_memory_grow(0, (end - have + 65535) / 65536) == (unsigned long)-1)
		return NULL;
	heap_top = end;
	return (void *)at;
}

static void give_back(void *memory)
{
	(void)memory;
}

static const struct libdeflate_options options = {
	.sizeof_options = sizeof(options),
	.malloc_func = take,
	.free_func = give_back,
};

unsigned char *input(void)
{
	return input_bytes;
}

unsigned char *output(void)
{
	return output_bytes;
}

int compress(int level, size_t length)
{
	static struct libdeflate_compressor *compressors[LEVELS + 1];

	if (level < 1 || level > LEVELS || length > CAPACITY)
		return -1;
	if (compressors[level] == NULL)
		compressors[level] = libdeflate_alloc_compressor_ex(level, &options);
	if (compressors[level] == NULL)
		return -1;
	return length == 0 ? 0 : (int)libdeflate_zlib_compress(compressors[level], input_bytes, length, output_bytes, length - 1);
}

// What the compiler leaves to a C library. Each becomes one instruction of WebAssembly's bulk memory.

void *memset(void *to, int value, size_t size)
{
	return __builtin_memset(to, value, size);
}

void *memcpy(void *to, const void *from, size_t size)
{
	return __builtin_memcpy(to, from, size);
}

void *memmove(void *to, const void *from, size_t size)
{
	return __builtin_memmove(to, from, size);
}
