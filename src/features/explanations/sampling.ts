/** Gives the model's answers for many inputs at once; each is a coalition's row. */
export type Ask<Cell> = (
  rows: readonly (readonly Cell[])[],
) => Promise<readonly (readonly number[])[]>

export interface Sampled {
  readonly method: 'exact' | 'permutation'
  /** For each output one value for each column. */
  readonly values: readonly Float64Array[]
  /** Standard errors of the values, in the same form; zeros where all coalitions were asked. */
  readonly errors: readonly Float64Array[]
  /** The mean answer over the background. */
  readonly base: readonly number[]
  /** The answer for the row itself. */
  readonly answer: readonly number[]
  readonly evaluations: number
}

export interface Budget {
  /** Rows that the model may be asked for. */
  readonly evaluationsMax: number
  /** Throws when the caller has gone or the time is over. */
  check(): void
  /** Numbers from 0 to 1, below 1. */
  draw(): number
}

/** Rows of one question to the model. */
const ROWS_PER_QUESTION = 2000

/** All coalitions of so many columns are no more than a sample would take. */
const EXACT_COLUMNS_MAX = 12

/**
 * Shapley values of one row for any model: columns outside a coalition are taken from rows of the background
 * and the answers averaged. All coalitions where that is within the budget; otherwise random orders of the
 * columns, each with its reverse, which halves the variance (Mitchell, Cooper, Frank and Holmes, "Sampling
 * permutations for Shapley value estimation", 2022).
 */
export async function sampledShap<Cell>(
  row: readonly Cell[],
  {
    background,
    ask,
    budget,
  }: {
    background: readonly (readonly Cell[])[]
    ask: Ask<Cell>
    budget: Budget
  },
): Promise<Sampled> {
  const game = gameOf(row, background, { ask, budget })
  const columns = row.length
  const coalitions = 2 ** columns
  const isExact =
    columns <= EXACT_COLUMNS_MAX && coalitions * background.length <= budget.evaluationsMax
  return isExact ? exactly(game, columns) : byOrders(game, columns, budget)
}

/** A coalition is the set of columns that are taken from the row: a text of 0 and 1. */
interface Game {
  /** The mean answers of coalitions, asked in as few questions as may be. */
  worth(coalitions: readonly Uint8Array[]): Promise<number[][]>
  evaluations(): number
  /** What one coalition costs. */
  readonly cost: number
}

function gameOf<Cell>(
  row: readonly Cell[],
  background: readonly (readonly Cell[])[],
  { ask, budget }: { ask: Ask<Cell>; budget: Budget },
): Game {
  let evaluations = 0
  const cost = background.length
  const perQuestion = Math.max(1, Math.floor(ROWS_PER_QUESTION / cost))
  const question = async (coalitions: readonly Uint8Array[]) => {
    budget.check()
    const rows = coalitions.flatMap((coalition) =>
      background.map((other) =>
        row.map((cell, column) => (coalition[column] === 1 ? cell : (other[column] as Cell))),
      ),
    )
    evaluations += rows.length
    const answers = await ask(rows)
    return coalitions.map((_, index) => meanOf(answers.slice(index * cost, (index + 1) * cost)))
  }
  return {
    cost,
    evaluations: () => evaluations,
    worth: async (coalitions) => {
      const worths: number[][] = []
      for (let from = 0; from < coalitions.length; from += perQuestion)
        worths.push(...(await question(coalitions.slice(from, from + perQuestion))))
      return worths
    },
  }
}

async function exactly(game: Game, columns: number): Promise<Sampled> {
  const coalitions = Array.from({ length: 2 ** columns }, (_, bits) =>
    Uint8Array.from({ length: columns }, (__, column) => (bits >> column) & 1),
  )
  const worths = await game.worth(coalitions)
  const base = worths[0] as number[]
  const answer = worths.at(-1) as number[]
  const weights = weightsBySize(columns)
  const values = base.map((_, output) =>
    Float64Array.from({ length: columns }, (__, column) => {
      let value = 0
      for (const [bits, coalition] of coalitions.entries()) {
        if (coalition[column] === 1) continue
        const size = coalition.reduce((sum, bit) => sum + bit, 0)
        const gain = (worths[bits + 2 ** column]?.[output] ?? 0) - (worths[bits]?.[output] ?? 0)
        value += (weights[size] as number) * gain
      }
      return value
    }),
  )
  const errors = base.map(() => new Float64Array(columns))
  return { method: 'exact', values, errors, base, answer, evaluations: game.evaluations() }
}

/** size! (n - size - 1)! / n! for each size of a coalition. */
function weightsBySize(columns: number): number[] {
  const weights = [1 / columns]
  for (let size = 1; size < columns; size++)
    weights.push(((weights[size - 1] as number) * size) / (columns - size))
  return weights
}

async function byOrders(game: Game, columns: number, budget: Budget): Promise<Sampled> {
  const [base, answer] = (await game.worth([
    new Uint8Array(columns),
    new Uint8Array(columns).fill(1),
  ])) as [number[], number[]]
  const sums = base.map(() => new Float64Array(columns))
  const squares = base.map(() => new Float64Array(columns))
  // An order and its reverse ask for columns - 1 coalitions each beside the empty and the full one.
  const perPair = 2 * Math.max(1, columns - 1) * game.cost
  const pairs = Math.max(1, Math.floor((budget.evaluationsMax - game.evaluations()) / perPair))
  for (let pair = 0; pair < pairs; pair++) {
    const order = shuffled(columns, budget.draw)
    const there = await gainsAlong(game, order, { base, answer })
    const back = await gainsAlong(game, order.toReversed(), { base, answer })
    for (const [output, sum] of sums.entries())
      for (let column = 0; column < columns; column++) {
        const gain = ((there[output]?.[column] ?? 0) + (back[output]?.[column] ?? 0)) / 2
        sum[column] = (sum[column] ?? 0) + gain
        const square = squares[output] as Float64Array
        square[column] = (square[column] ?? 0) + gain * gain
      }
  }
  const values = sums.map((sum) => sum.map((each) => each / pairs))
  const errors = squares.map((square, output) =>
    square.map((each, column) => standardError(each, values[output]?.[column] ?? 0, pairs)),
  )
  return { method: 'permutation', values, errors, base, answer, evaluations: game.evaluations() }
}

/** What each column adds when columns are taken from the row one after the other in this order. */
async function gainsAlong(
  game: Game,
  order: readonly number[],
  { base, answer }: { base: readonly number[]; answer: readonly number[] },
): Promise<Float64Array[]> {
  const coalition = new Uint8Array(order.length)
  const coalitions = order.slice(0, -1).map((column) => {
    coalition[column] = 1
    return coalition.slice()
  })
  const worths = [base, ...(await game.worth(coalitions)), answer]
  return base.map((_, output) => {
    const gains = new Float64Array(order.length)
    for (const [place, column] of order.entries())
      gains[column] = (worths[place + 1]?.[output] ?? 0) - (worths[place]?.[output] ?? 0)
    return gains
  })
}

function shuffled(count: number, draw: () => number): number[] {
  const order = Array.from({ length: count }, (_, index) => index)
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(draw() * (last + 1))
    const moved = order[last] as number
    order[last] = order[other] as number
    order[other] = moved
  }
  return order
}

function standardError(squares: number, mean: number, count: number): number {
  if (count < 2) return Number.NaN
  return Math.sqrt(Math.max(0, squares / count - mean * mean) / (count - 1))
}

function meanOf(answers: readonly (readonly number[])[]): number[] {
  const [first = []] = answers
  return first.map(
    (_, output) => answers.reduce((sum, answer) => sum + (answer[output] ?? 0), 0) / answers.length,
  )
}
