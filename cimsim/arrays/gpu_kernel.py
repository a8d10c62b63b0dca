"""The array product of one layer as a Triton kernel: read, convert, shift and add, all on chip.

A program computes one tile of vectors x columns. It loops over row groups, input slices and weight
slices and keeps only the tile's running sums, so that nothing of the size vectors x slices x
columns is stored. All column sums are integers (see :mod:`cimsim.arrays.gpu`), so that a result
does not depend on tiles or on the device. Random words are those of :mod:`cimsim.arrays.random`.
"""

import triton
import triton.language as tl

LIMB_BITS = tl.constexpr(8)
"""Bits of a limb of a cell; limbs are signed bytes."""

INPUT_LIMB_BITS = tl.constexpr(7)
"""Bits of a limb of an input, which is not negative and has to fit a signed byte."""

IDEAL, REAL, READ_NOISE, OUTPUT_NOISE = (tl.constexpr(mode) for mode in range(4))
"""How a column sum becomes a code: exact integer sum; sum of real conductances; with fresh read
noise; with noise of whole column reads."""

READ_ROLE, REFERENCE_ROLE, OUTPUT_ROLE = (tl.constexpr(role) for role in (4, 5, 6))
"""Role.READ_NOISE, REFERENCE_READ_NOISE, OUTPUT_NOISE; a test compares them."""

LOW_ROLE, TAIL_ROLE, TAIL_LOW_ROLE = (tl.constexpr(role) for role in (15, 16, 17))
"""Role.READ_NOISE_LOW, READ_NOISE_TAIL, READ_NOISE_TAIL_LOW."""

READ_NOISE_ROUNDS = tl.constexpr(7)
"""Rounds of Philox in the draws of read noise."""


@triton.jit
def normal(word):
    """Standard normal numbers, float32, of uint32 words: the inverse distribution at (word + 1/2) /
    2**32.

    M. J. Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied
    Statistics 37 (1988), PPND7. Its third branch, for p below exp(-25), no word reaches. Both tails
    use the distance to their own end, so that they lose no digits.
    """
    lower = word < 0x80000000
    tail = tl.where(lower, word, ~word).to(tl.int32, bitcast=True)
    q = ((0x7FFFFFFF - tail).to(tl.float32) + 0.5) * (2.0**-32)  # 1/2 - p
    r = 0.180625 - q * q
    top = ((59.109374720 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179
    bottom = ((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1.0
    centre = q * top / bottom
    t = tl.sqrt(-tl.log((tail.to(tl.float32) + 0.5) * (2.0**-32))) - 1.6
    top = ((0.17023821103 * t + 1.3067284816) * t + 2.7568153900) * t + 1.4234372777
    bottom = (0.12021132975 * t + 0.73700164250) * t + 1.0
    size = tl.where(q <= 0.425, centre, top / bottom)
    return tl.where(lower, -size, size)


@triton.jit
def normals(
    key,
    role,
    vector,
    read,
    first_column,
    VECTORS: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    """Normal numbers [VECTORS, COLUMNS] of one read; `vector` int64 [VECTORS]."""
    zero = tl.zeros([VECTORS, COLUMNS // 4], tl.int64)
    c0 = (first_column // 4 + tl.arange(0, COLUMNS // 4))[None, :] + zero
    c1 = (vector & 0xFFFFFFFF)[:, None] + zero
    c3 = ((vector >> 32) * 256 + role)[:, None] + zero
    a, b, c, d = tl.philox(
        key, c0.to(tl.uint32), c1.to(tl.uint32), (zero + read).to(tl.uint32), c3.to(tl.uint32)
    )
    return normal(tl.interleave(tl.interleave(a, c), tl.interleave(b, d)))


@triton.jit
def read_bytes(
    key, role, vector, block, word, first_column, VECTORS: tl.constexpr, COLUMNS: tl.constexpr
):
    """8 bits (in int32) [VECTORS, COLUMNS] of one word of a block, as
    :func:`cimsim.arrays.random.read_bytes`."""
    zero = tl.zeros([VECTORS, COLUMNS // 4], tl.int64)
    c0 = (first_column // 4 + tl.arange(0, COLUMNS // 4))[None, :] + zero
    c1 = (vector & 0xFFFFFFFF)[:, None] + zero
    c3 = ((vector >> 32) * 256 + role)[:, None] + zero
    a, b, c, d = tl.philox(
        key,
        c0.to(tl.uint32),
        c1.to(tl.uint32),
        (zero + block).to(tl.uint32),
        c3.to(tl.uint32),
        n_rounds=READ_NOISE_ROUNDS,
    )
    chosen = tl.where(word < 2, tl.where(word == 0, a, b), tl.where(word == 2, c, d))
    even = tl.interleave(chosen & 0xFF, chosen >> 16 & 0xFF)
    return tl.interleave(even, tl.interleave(chosen >> 8 & 0xFF, chosen >> 24)).to(tl.int32)


@triton.jit
def read_normals(
    key,
    share_means,
    vector,
    block,
    word,
    first_column,
    VECTORS: tl.constexpr,
    COLUMNS: tl.constexpr,
):
    """Normal numbers of read noise [VECTORS, COLUMNS], as
    :func:`cimsim.arrays.random.read_normal`."""
    high = read_bytes(key, READ_ROLE, vector, block, word, first_column, VECTORS, COLUMNS)
    low = read_bytes(key, LOW_ROLE, vector, block, word, first_column, VECTORS, COLUMNS)
    draws = high << 8 | low
    numbers = tl.load(share_means + draws)
    outermost = (draws == 0) | (draws == 0xFFFF)
    if tl.max(outermost.to(tl.int32)) > 0:
        high = read_bytes(key, TAIL_ROLE, vector, block, word, first_column, VECTORS, COLUMNS)
        low = read_bytes(key, TAIL_LOW_ROLE, vector, block, word, first_column, VECTORS, COLUMNS)
        bits = (draws << 16 | high << 8 | low).to(tl.uint32, bitcast=True)
        numbers = tl.where(outermost, normal(bits), numbers)
    return numbers


@triton.jit
def common_normals(key, role, vector, read, VECTORS: tl.constexpr):
    """Normal numbers [VECTORS] of column 0: those of the reference column."""
    zero = tl.zeros([VECTORS], tl.int64)
    c1, c3 = vector & 0xFFFFFFFF, (vector >> 32) * 256 + role
    word, _, _, _ = tl.philox(
        key,
        zero.to(tl.uint32),
        c1.to(tl.uint32),
        (zero + read).to(tl.uint32),
        c3.to(tl.uint32),
    )
    return normal(word)


@triton.jit
def add_product(
    total,
    inputs,
    cells,
    mask,
    limb_stride,
    INPUT_LIMBS: tl.constexpr,
    CELL_LIMBS: tl.constexpr,
):
    """total + inputs @ cells in int32, from products of bytes; `cells` points at the lowest limb.

    Partial sums may wrap around; the whole one fits.
    """
    for high in tl.static_range(CELL_LIMBS):
        limb = tl.load(cells + high * limb_stride, mask=mask, other=0)
        for low in tl.static_range(INPUT_LIMBS):
            if LIMB_BITS * high + INPUT_LIMB_BITS * low < 32:
                part = ((inputs >> (INPUT_LIMB_BITS * low)) & 127).to(tl.int8)
                product = tl.dot(part, limb, out_dtype=tl.int32)
                total += product << (LIMB_BITS * high + INPUT_LIMB_BITS * low)
    return total


@triton.jit(do_not_specialize=["top"])  # a top of 1 stays a variable
def array_product(
    codes,  # [vectors, rows], unsigned
    cells,  # int8 [limb, slice, row, column]
    squares,  # the same for squared conductances (READ_NOISE)
    reference_squares,  # int32 [row] (READ_NOISE)
    code_of_sum,  # int32 [sum] (IDEAL)
    mean_of_sum,  # float32 [sum] in ADC steps (OUTPUT_NOISE)
    std_of_sum,
    share_means,  # float32 [2**16]: numbers of 16-bit draws (READ_NOISE)
    real,  # float64: ADC step; unit of a sum
    names,  # int64: key; first vector
    result,  # int64 [vectors, columns]
    vectors,
    rows,
    columns,
    parallel_rows,
    cells_of_limb,
    top,
    steps_of_unit,  # ADC steps in a unit of a sum
    noise,  # rho * sqrt(unit of a squared sum), in ADC steps
    slope,  # units of power in a unit of a sum (FROM_SUM)
    noise_of_reference,  # rho * sqrt(unit of a reference square), in ADC steps
    power_of_reference,  # units of power in a unit of a reference square (FROM_SUM)
    MODE: tl.constexpr,
    UNIT_STEP: tl.constexpr,  # a code is the sum itself, up to the top
    FROM_SUM: tl.constexpr,  # the power of a column follows from its sum
    WIDE: tl.constexpr,  # totals need 64 bits
    GROUPS: tl.constexpr,
    READS: tl.constexpr,
    SLICES: tl.constexpr,
    DAC_BITS: tl.constexpr,
    CELL_BITS: tl.constexpr,
    INPUT_LIMBS: tl.constexpr,
    CELL_LIMBS: tl.constexpr,
    SQUARE_INPUT_LIMBS: tl.constexpr,
    SQUARE_LIMBS: tl.constexpr,
    ROW_BLOCKS: tl.constexpr,  # of a group
    BM: tl.constexpr,
    BN: tl.constexpr,
    BK: tl.constexpr,
):
    """result = sum of code * 2**(DAC_BITS i + CELL_BITS j) over groups, reads i and slices j."""
    m = tl.program_id(0).to(tl.int64) * BM + tl.arange(0, BM)
    first_column = tl.program_id(1) * BN
    n = first_column + tl.arange(0, BN)
    row_of_block = tl.arange(0, BK)
    key = tl.load(names).to(tl.uint64, bitcast=True)
    vector = tl.load(names + 1) + m
    step, unit = tl.load(real), tl.load(real + 1)
    total = tl.zeros([BM, BN], tl.int64) if WIDE else tl.zeros([BM, BN], tl.int32)
    for group in range(GROUPS):
        for i in range(READS):
            of_reference = tl.zeros([BM], tl.int32)
            if MODE == READ_NOISE:
                for block in range(ROW_BLOCKS):
                    in_group = block * BK + row_of_block
                    k = group * parallel_rows + in_group
                    used = (in_group < parallel_rows) & (k < rows)
                    x = tl.load(
                        codes + m[:, None] * rows + k[None, :],
                        mask=(m < vectors)[:, None] & used[None, :],
                        other=0,
                    ).to(tl.int32)
                    x = (x >> (DAC_BITS * i)) & ((1 << DAC_BITS) - 1)
                    square = tl.load(reference_squares + k, mask=used, other=0)
                    of_reference += tl.sum(x * x * square[None, :], axis=1)
            for j in range(SLICES):
                sums = tl.zeros([BM, BN], tl.int32)
                power = tl.zeros([BM, BN], tl.int32)
                for block in range(ROW_BLOCKS):
                    in_group = block * BK + row_of_block
                    k = group * parallel_rows + in_group
                    used = (in_group < parallel_rows) & (k < rows)
                    x = tl.load(
                        codes + m[:, None] * rows + k[None, :],
                        mask=(m < vectors)[:, None] & used[None, :],
                        other=0,
                    ).to(tl.int32)
                    x = (x >> (DAC_BITS * i)) & ((1 << DAC_BITS) - 1)
                    place = (j * rows + k).to(tl.int64)[:, None] * columns + n[None, :]
                    mask = used[:, None] & (n < columns)[None, :]
                    sums = add_product(
                        sums, x, cells + place, mask, cells_of_limb, INPUT_LIMBS, CELL_LIMBS
                    )
                    if MODE == READ_NOISE and not FROM_SUM:
                        power = add_product(
                            power,
                            x * x,
                            squares + place,
                            mask,
                            cells_of_limb,
                            SQUARE_INPUT_LIMBS,
                            SQUARE_LIMBS,
                        )
                read = (group * READS + i) * SLICES + j
                if MODE == IDEAL:
                    code = tl.minimum(sums, top) if UNIT_STEP else tl.load(code_of_sum + sums)
                elif MODE == REAL:
                    # As the oracle: one division, rounded half to even by adding 1.5 * 2**52.
                    position = sums.to(tl.float64) * unit / step
                    position = tl.minimum(tl.maximum(position, 0.0), top.to(tl.float64))
                    code = ((position + 6755399441055744.0) - 6755399441055744.0).to(tl.int32)
                else:
                    if MODE == READ_NOISE:
                        shared = of_reference.to(tl.float32)
                        if FROM_SUM:
                            own = slope * sums.to(tl.float32)
                            own += (power_of_reference * shared)[:, None]
                        else:
                            own = power.to(tl.float32)
                        set_of_reads = (group * ((READS + 3) // 4) + i // 4) * SLICES + j
                        draws = read_normals(
                            key, share_means, vector, set_of_reads, i % 4, first_column, BM, BN
                        )
                        common = common_normals(key, REFERENCE_ROLE, vector, read, BM)
                        common *= noise_of_reference * tl.sqrt(shared)
                        position = noise * tl.sqrt(tl.maximum(own, 0.0)) * draws - common[:, None]
                        position += sums.to(tl.float32) * steps_of_unit
                    else:
                        draws = normals(key, OUTPUT_ROLE, vector, read, first_column, BM, BN)
                        position = tl.load(mean_of_sum + sums)
                        position += tl.load(std_of_sum + sums) * draws
                    # Half to even by adding 1.5 * 2**23; codes are at most 2**22.
                    position = tl.minimum(tl.maximum(position, 0.0), top.to(tl.float32))
                    code = ((position + 12582912.0) - 12582912.0).to(tl.int32)
                total += code.to(total.dtype) << (DAC_BITS * i + CELL_BITS * j)
    tl.store(
        result + m[:, None] * columns + n[None, :],
        total.to(tl.int64),
        mask=(m < vectors)[:, None] & (n < columns)[None, :],
    )
