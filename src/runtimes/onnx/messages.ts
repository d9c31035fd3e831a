import type { HeldModel, ModelShape, Tensor } from '#inference'

/** What the server tells a serving process. */
export type ToProcess =
  | { readonly type: 'load'; readonly models: readonly HeldModel[] }
  | {
      readonly type: 'infer'
      readonly id: number
      readonly key: string
      readonly inputs: readonly Tensor[]
    }
  | { readonly type: 'unload'; readonly key: string }
  | { readonly type: 'ping'; readonly id: number }

/** What a serving process answers. */
export type FromProcess =
  | {
      readonly type: 'loaded'
      readonly shapes: readonly (readonly [string, ModelShape])[]
      readonly failures: readonly (readonly [string, string])[]
    }
  | { readonly type: 'inferred'; readonly id: number; readonly outputs: readonly Tensor[] }
  | {
      readonly type: 'failed'
      readonly id: number
      readonly kind: 'refused' | 'memory'
      readonly reason: string
    }
  | { readonly type: 'pong'; readonly id: number }
