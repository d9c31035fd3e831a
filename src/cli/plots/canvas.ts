/** A drawing in characters of which each is two by four dots, and the colour of the last that was set in it. */
export interface Canvas {
  /** In dots. */
  readonly width: number
  readonly height: number
  /** From the lower left corner; what lies outside is left out. */
  dot(x: number, y: number, color: number): void
  line(from: Spot, to: Spot, color: number): void
  lines(painted: (sign: string, color: number) => string): string[]
}

type Spot = readonly [x: number, y: number]

/** By column and row of a braille sign, the bit of each dot. */
const BITS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const
const BLANK = 0x2800

export function createCanvas(columns: number, rows: number): Canvas {
  const [width, height] = [columns * 2, rows * 4]
  const signs = new Uint8Array(columns * rows)
  const colors = new Uint8Array(columns * rows)
  const dot = (x: number, y: number, color: number) => {
    if (x < 0 || y < 0 || x >= width || y >= height) return
    const down = height - 1 - y
    const at = (down >> 2) * columns + (x >> 1)
    signs[at] = (signs[at] ?? 0) | (BITS[(x & 1) as 0 | 1][(down & 3) as 0 | 1 | 2 | 3] ?? 0)
    colors[at] = color
  }
  return {
    width,
    height,
    dot,
    line: ([fromX, fromY], [toX, toY], color) => {
      const steps = Math.max(Math.abs(toX - fromX), Math.abs(toY - fromY), 1)
      for (let at = 0; at <= steps; at++)
        dot(
          Math.round(fromX + ((toX - fromX) * at) / steps),
          Math.round(fromY + ((toY - fromY) * at) / steps),
          color,
        )
    },
    lines: (painted) =>
      Array.from({ length: rows }, (_, row) =>
        Array.from({ length: columns }, (__, column) => {
          const at = row * columns + column
          const sign = signs[at] ?? 0
          return sign === 0 ? ' ' : painted(String.fromCharCode(BLANK + sign), colors[at] ?? 0)
        }).join(''),
      ),
  }
}
