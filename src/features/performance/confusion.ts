/** How often each truth was predicted as what. */
export interface Counts {
  readonly tp: number
  readonly fp: number
  readonly fn: number
  readonly tn: number
}

export function countsOf(
  truths: ArrayLike<number>,
  predicted: ArrayLike<number>,
  sample?: Uint32Array,
): Counts {
  const cells = [0, 0, 0, 0]
  const length = sample?.length ?? truths.length
  for (let place = 0; place < length; place++) {
    const row = sample === undefined ? place : (sample[place] as number)
    const cell = (truths[row] as number) * 2 + (predicted[row] as number)
    cells[cell] = (cells[cell] as number) + 1
  }
  const [tn = 0, fp = 0, fn = 0, tp = 0] = cells
  return { tp, fp, fn, tn }
}

/** A square table, row by row: truths down, predictions across. */
export interface Table {
  readonly size: number
  readonly cells: Float64Array
}

export function tableOf(
  truths: ArrayLike<number>,
  predicted: ArrayLike<number>,
  size: number,
  sample?: Uint32Array,
): Table {
  const cells = new Float64Array(size * size)
  const length = sample?.length ?? truths.length
  for (let place = 0; place < length; place++) {
    const row = sample === undefined ? place : (sample[place] as number)
    const cell = (truths[row] as number) * size + (predicted[row] as number)
    cells[cell] = (cells[cell] as number) + 1
  }
  return { size, cells }
}

/** The counts of one class against all others. */
export function countsFor({ size, cells }: Table, of: number): Counts {
  let total = 0
  let told = 0
  let said = 0
  for (let truth = 0; truth < size; truth++)
    for (let predicted = 0; predicted < size; predicted++) {
      const count = cells[truth * size + predicted] as number
      total += count
      if (truth === of) told += count
      if (predicted === of) said += count
    }
  const tp = cells[of * size + of] as number
  return { tp, fp: said - tp, fn: told - tp, tn: total - told - said + tp }
}

export function tableOfCounts({ tp, fp, fn, tn }: Counts): Table {
  return { size: 2, cells: Float64Array.of(tn, fp, fn, tp) }
}

/** 0 of 0 is 0, as scikit-learn has it. */
export function ratio(part: number, of: number): number {
  return of === 0 ? 0 : part / of
}

export function precisionOf({ tp, fp }: Counts): number {
  return ratio(tp, tp + fp)
}

export function recallOf({ tp, fn }: Counts): number {
  return ratio(tp, tp + fn)
}

/** The mean of precision and recall that weighs recall `beta` times as much. */
export function fBetaOf({ tp, fp, fn }: Counts, beta: number): number {
  const weight = beta ** 2
  return ratio((1 + weight) * tp, (1 + weight) * tp + weight * fn + fp)
}

/** The mean recall of the classes that have rows. */
export function balancedAccuracyOf({ size, cells }: Table): number {
  let recalls = 0
  let classes = 0
  for (let truth = 0; truth < size; truth++) {
    let told = 0
    for (let predicted = 0; predicted < size; predicted++)
      told += cells[truth * size + predicted] as number
    if (told === 0) continue
    recalls += (cells[truth * size + truth] as number) / told
    classes++
  }
  return recalls / classes
}

/** Matthews' correlation of truths and predictions; 0 when either is always the same. */
export function matthewsOf(table: Table): number {
  const { total, right, told, said } = marginsOf(table)
  let both = 0
  let toldSquares = 0
  let saidSquares = 0
  for (let of = 0; of < table.size; of++) {
    both += (told[of] as number) * (said[of] as number)
    toldSquares += (told[of] as number) ** 2
    saidSquares += (said[of] as number) ** 2
  }
  const spread = (total ** 2 - saidSquares) * (total ** 2 - toldSquares)
  return spread === 0 ? 0 : (right * total - both) / Math.sqrt(spread)
}

/** Cohen's kappa: agreement beyond that of chance. */
export function kappaOf(table: Table): number {
  const { total, right, told, said } = marginsOf(table)
  let both = 0
  for (let of = 0; of < table.size; of++) both += (told[of] as number) * (said[of] as number)
  const chance = both / total ** 2
  return chance === 1 ? 0 : (right / total - chance) / (1 - chance)
}

export function marginsOf({ size, cells }: Table): {
  total: number
  right: number
  told: Float64Array
  said: Float64Array
} {
  const told = new Float64Array(size)
  const said = new Float64Array(size)
  let total = 0
  let right = 0
  for (let truth = 0; truth < size; truth++)
    for (let predicted = 0; predicted < size; predicted++) {
      const count = cells[truth * size + predicted] as number
      told[truth] = (told[truth] as number) + count
      said[predicted] = (said[predicted] as number) + count
      total += count
      if (truth === predicted) right += count
    }
  return { total, right, told, said }
}
