export interface NodeSize {
  readonly name: string
  readonly needs: readonly string[]
  readonly width: number
}

/** Where stages stand, and the lines from what is needed to what needs it. */
export interface Drawing {
  readonly width: number
  readonly height: number
  readonly nodes: readonly { name: string; x: number; y: number; width: number }[]
  readonly edges: readonly { from: string; to: string; points: readonly [number, number][] }[]
}

export const NODE_HEIGHT = 32
