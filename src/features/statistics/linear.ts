/** A symmetric matrix, row by row, with its eigenvalues in descending order and an eigenvector a row. */
export interface Eigen {
  readonly values: Float64Array
  readonly vectors: readonly Float64Array[]
}

const SWEEPS_MAX = 60

/** Eigenvalues and eigenvectors of a symmetric matrix by Jacobi's rotations (1846): slow for large ones, exact for all. */
export function eigenOf(symmetric: readonly Float64Array[]): Eigen {
  const size = symmetric.length
  const matrix = symmetric.map((row) => Float64Array.from(row))
  const vectors = matrix.map((_, row) => {
    const unit = new Float64Array(size)
    unit[row] = 1
    return unit
  })
  for (let sweep = 0; sweep < SWEEPS_MAX && offDiagonal(matrix) > 0; sweep++)
    for (let p = 0; p < size; p++) for (let q = p + 1; q < size; q++) rotate(matrix, vectors, p, q)
  const order = Array.from(matrix.keys()).toSorted(
    (i, j) => cell(matrix, j, j) - cell(matrix, i, i),
  )
  return {
    values: Float64Array.from(order, (index) => cell(matrix, index, index)),
    vectors: order.map((index) => vectors[index] as Float64Array),
  }
}

function rotate(matrix: Float64Array[], vectors: Float64Array[], p: number, q: number): void {
  const off = cell(matrix, p, q)
  if (off === 0) return
  const theta = (cell(matrix, q, q) - cell(matrix, p, p)) / (2 * off)
  const tangent =
    theta === 0 ? 1 : Math.sign(theta) / (Math.abs(theta) + Math.sqrt(theta * theta + 1))
  const cosine = 1 / Math.sqrt(tangent * tangent + 1)
  const sine = tangent * cosine
  for (const row of matrix) {
    const [one, other] = [row[p] as number, row[q] as number]
    row[p] = cosine * one - sine * other
    row[q] = sine * one + cosine * other
  }
  for (const pair of [matrix, vectors]) {
    const [first, second] = [pair[p] as Float64Array, pair[q] as Float64Array]
    for (let index = 0; index < first.length; index++) {
      const [one, other] = [first[index] as number, second[index] as number]
      first[index] = cosine * one - sine * other
      second[index] = sine * one + cosine * other
    }
  }
}

/** What is left beside the diagonal, 0 once it is below what a double can add to it. */
function offDiagonal(matrix: readonly Float64Array[]): number {
  let [off, on] = [0, 0]
  for (const [i, row] of matrix.entries())
    for (const [j, value] of row.entries())
      if (i === j) on += value * value
      else off += value * value
  return off <= on * 1e-32 ? 0 : off
}

function cell(matrix: readonly Float64Array[], row: number, column: number): number {
  return (matrix[row] as Float64Array)[column] as number
}
