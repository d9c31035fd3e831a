/** Who comes before whom: by a node's name, the names of those that it needs. */
export type Needs = ReadonlyMap<string, readonly string[]>

const GAP = 3
const EDGE_LINES = 3

interface Box {
  /** Undefined for a bend of a line that passes a layer. */
  readonly name: string | undefined
  readonly width: number
  x: number
  readonly needs: Box[]
}

/** The nodes that hang together, each group by itself, in the order of its first node. */
export function groupsOf(needs: Needs): Map<string, readonly string[]>[] {
  const beside = new Map<string, Set<string>>()
  const join = (one: string, other: string) =>
    beside.set(one, (beside.get(one) ?? new Set()).add(other))
  for (const [name, needed] of needs)
    for (const need of needed) {
      join(name, need)
      join(need, name)
    }
  const seen = new Set<string>()
  return [...needs.keys()].flatMap((start) => {
    if (seen.has(start)) return []
    const reached = new Set([start])
    for (const name of reached) for (const next of beside.get(name) ?? []) reached.add(next)
    for (const name of reached) seen.add(name)
    return [new Map([...needs].filter(([name]) => reached.has(name)))]
  })
}

/** Boxes in layers, each below all that it needs, with lines between them. */
export function drawnGraph(needs: Needs): string[] {
  return groupsOf(needs).flatMap(drawnGroup)
}

function drawnGroup(needs: Needs): string[] {
  const layers = layersOf(needs)
  place(layers)
  const width = Math.max(...layers.flat().map((box) => box.x + box.width))
  const canvas: string[][] = Array.from(
    { length: layers.length * (3 + EDGE_LINES) - EDGE_LINES },
    () => Array.from({ length: width }, () => ' '),
  )
  const top = (layer: number) => layer * (3 + EDGE_LINES)
  for (const [at, boxes] of layers.entries())
    for (const box of boxes)
      for (const need of box.needs)
        line(canvas, { x: centre(need), y: top(at - 1) + 2 }, { x: centre(box), y: top(at) })
  for (const [at, boxes] of layers.entries()) for (const box of boxes) drawBox(canvas, box, top(at))
  return canvas.map((row) => row.join('').trimEnd())
}

function layersOf(needs: Needs): Box[][] {
  const depths = new Map<string, number>()
  const depthOf = (name: string): number => {
    const known = depths.get(name)
    if (known !== undefined) return known
    const depth = Math.max(-1, ...(needs.get(name) ?? []).map(depthOf)) + 1
    depths.set(name, depth)
    return depth
  }
  for (const name of needs.keys()) depthOf(name)
  const boxes = new Map<string, Box>()
  for (const name of needs.keys())
    boxes.set(name, { name, width: name.length + 4, x: 0, needs: [] })
  const layers: Box[][] = []
  for (const [name, box] of boxes) (layers[depths.get(name) ?? 0] ??= []).push(box)
  for (const [name, needed] of needs)
    for (const need of needed) {
      let above = boxes.get(need)
      const last = depths.get(name) ?? 0
      for (let depth = (depths.get(need) ?? 0) + 1; above !== undefined && depth < last; depth++) {
        const bend: Box = { name: undefined, width: 1, x: 0, needs: [above] }
        layers[depth]?.push(bend)
        above = bend
      }
      if (above !== undefined) boxes.get(name)?.needs.push(above)
    }
  return layers
}

/** Each box below the middle of what it needs, as far as its neighbours leave room; then all as far left as can be. */
function place(layers: readonly Box[][]): void {
  for (const layer of layers) {
    const wanted = new Map(
      layer.map((box) => [
        box,
        box.needs.length === 0
          ? 0
          : box.needs.reduce((sum, need) => sum + centre(need), 0) / box.needs.length -
            box.width / 2,
      ]),
    )
    layer.sort((one, other) => (wanted.get(one) ?? 0) - (wanted.get(other) ?? 0))
    let free = Number.NEGATIVE_INFINITY
    for (const box of layer) {
      box.x = Math.max(Math.round(wanted.get(box) ?? 0), free)
      free = box.x + box.width + GAP
    }
    spread(layer, wanted)
  }
  const left = Math.min(...layers.flat().map(({ x }) => x))
  for (const box of layers.flat()) box.x -= left
}

/** Pushed to the right only, a layer would lean: it goes back by half of what it was pushed. */
function spread(layer: readonly Box[], wanted: ReadonlyMap<Box, number>): void {
  const pushed = layer.reduce((sum, box) => sum + box.x - (wanted.get(box) ?? 0), 0)
  const back = Math.round(pushed / layer.length)
  for (const box of layer) box.x -= back
}

function centre({ x, width }: Box): number {
  return x + Math.floor(width / 2)
}

interface Point {
  readonly x: number
  readonly y: number
}

function line(canvas: string[][], from: Point, to: Point): void {
  const steps = Math.max(Math.abs(to.x - from.x), to.y - from.y)
  for (let step = 0; step <= steps; step++) {
    const x = Math.round(from.x + ((to.x - from.x) * step) / steps)
    const y = Math.round(from.y + ((to.y - from.y) * step) / steps)
    const row = canvas[y]
    if (row !== undefined) row[x] = '*'
  }
}

function drawBox(canvas: string[][], { name, x, width }: Box, top: number): void {
  const edge = `+${'-'.repeat(Math.max(0, width - 2))}+`
  const lines = name === undefined ? ['*', '*', '*'] : [edge, `| ${name} |`, edge]
  for (const [down, text] of lines.entries())
    canvas[top + down]?.splice(x, text.length, ...text.split(''))
}
