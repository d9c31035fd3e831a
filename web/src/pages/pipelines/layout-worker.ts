import type { NodeSize } from './layout-types.ts'
import { drawingOf } from './layout.ts'

// A graph of a thousand stages takes a second to lay out: the page goes on meanwhile.
addEventListener('message', ({ data }: MessageEvent<readonly NodeSize[]>) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker has none
  postMessage(drawingOf(data))
})
