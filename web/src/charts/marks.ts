import uPlot from 'uplot'

/** The shape of a mark; no two kinds share one, so that colour never has to tell them apart. */
export type Shape = 'triangle' | 'ring' | 'disc' | 'up' | 'cross'

export interface Mark {
  /** Seconds. */
  readonly time: number
  readonly shape: Shape
  readonly ink: string
}

/** A row of marks above a chart. */
export interface Lane {
  readonly name: string
  readonly marks: readonly Mark[]
}

export const LANE_PX = 20

/** The outline of each shape in a box from -5 to 5. */
export const OUTLINES: Readonly<Record<Shape, { path: string; filled: boolean }>> = {
  triangle: { path: 'M0 -4.5 L4.8 4 L-4.8 4 Z', filled: true },
  ring: { path: 'M3.6 0 A3.6 3.6 0 1 1 -3.6 0 A3.6 3.6 0 1 1 3.6 0 Z', filled: false },
  disc: { path: 'M4 0 A4 4 0 1 1 -4 0 A4 4 0 1 1 4 0 Z', filled: true },
  up: { path: 'M0 -5 L4.5 0.5 L1.7 0.5 L1.7 5 L-1.7 5 L-1.7 0.5 L-4.5 0.5 Z', filled: true },
  cross: { path: 'M-3.6 -3.6 L3.6 3.6 M3.6 -3.6 L-3.6 3.6', filled: false },
}

/** Draws the lanes into the space that the chart leaves above its plot, and a thread down from each mark. */
export function drawMarks(
  chart: uPlot,
  lanes: readonly Lane[],
  { ink, font }: { ink: (name: string) => string; font: string },
): void {
  if (lanes.length === 0) return
  const { ctx, bbox } = chart
  const ratio = uPlot.pxRatio
  ctx.save()
  ctx.font = font.replace(/^\d+/, (size) => String(Number(size) * ratio))
  ctx.textBaseline = 'middle'
  for (const [row, lane] of lanes.entries()) {
    const y = bbox.top - (lanes.length - row - 0.5) * LANE_PX * ratio - 2 * ratio
    ctx.fillStyle = ink('ink-3')
    ctx.textAlign = 'right'
    ctx.fillText(lane.name, bbox.left - 6 * ratio, y)
    ctx.strokeStyle = ink('chart-grid')
    ctx.lineWidth = ratio
    line(ctx, [bbox.left, y], [bbox.left + bbox.width, y])
    for (const mark of lane.marks) {
      const x = chart.valToPos(mark.time, 'x', true)
      if (x < bbox.left - ratio || x > bbox.left + bbox.width + ratio) continue
      ctx.setLineDash([ratio, 3 * ratio])
      line(ctx, [x, y + 6 * ratio], [x, bbox.top + bbox.height])
      ctx.setLineDash([])
      drawShape(ctx, mark, { x, y, ink })
    }
  }
  ctx.restore()
}

function drawShape(
  ctx: CanvasRenderingContext2D,
  mark: Mark,
  { x, y, ink }: { x: number; y: number; ink: (name: string) => string },
): void {
  const { path, filled } = OUTLINES[mark.shape]
  const outline = new Path2D(path)
  ctx.save()
  ctx.translate(x, y)
  ctx.scale(uPlot.pxRatio, uPlot.pxRatio)
  // A rim in the card's colour parts marks that stand close together.
  ctx.strokeStyle = ink('surface')
  ctx.lineWidth = filled ? 3 : 5
  ctx.stroke(outline)
  ctx.fillStyle = filled ? ink(mark.ink) : ink('surface')
  // oxlint-disable-next-line unicorn/no-array-fill-with-reference-type -- a canvas is filled here, no list
  ctx.fill(outline)
  if (!filled) {
    ctx.strokeStyle = ink(mark.ink)
    ctx.lineWidth = 2
    ctx.stroke(outline)
  }
  ctx.restore()
}

function line(
  ctx: CanvasRenderingContext2D,
  from: readonly [number, number],
  to: readonly [number, number],
): void {
  ctx.beginPath()
  ctx.moveTo(...from)
  ctx.lineTo(...to)
  ctx.stroke()
}
