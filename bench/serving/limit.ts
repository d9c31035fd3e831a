import { InferenceSession, Tensor } from 'onnxruntime-node'

const OPTIONS: InferenceSession.SessionOptions = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  logSeverityLevel: 3,
}

/** Runs a second that ONNX Runtime does in a loop, with nothing around it. */
export async function runAlone(path: string, rows: number, forMs: number): Promise<number> {
  const session = await InferenceSession.create(path, OPTIONS)
  const data = Float32Array.from({ length: 20 * rows }, (_, n) => ((n * 7) % 97) / 25 - 1.9)
  let runs = 0
  const beganMs = performance.now()
  while (performance.now() - beganMs < forMs) {
    await session.run({ X: new Tensor('float32', data, [rows, 20]) })
    runs += 1
  }
  const tookMs = performance.now() - beganMs
  await session.release()
  return (1000 * runs) / tookMs
}
