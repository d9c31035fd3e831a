import type { Clock } from '#base/clock'
import { messageOf } from '#base/problem'
import type { PredictionRequest } from '../request.ts'
import { kindOfError, type Meters } from './meters.ts'
import type { PredictionAnswer } from '../answer.ts'
import type { createRecent } from './recent.ts'

type Predict = (name: string, request: PredictionRequest) => Promise<PredictionAnswer>

/** Counts how requests end, whatever they end by. */
export function watched(
  predict: Predict,
  to: {
    meters: Meters
    recent: ReturnType<typeof createRecent>
    clock: Clock
    isKnown: (endpoint: string) => boolean
  },
): Predict {
  const { meters, recent, clock, isKnown } = to
  return async (name, request) => {
    const startedMs = performance.now()
    const { protocol = 'server' } = request
    try {
      const answer = await predict(name, request)
      const { revision, modelVersion, rows } = answer
      const tookMs = performance.now() - startedMs
      meters.answered({ endpoint: name, revision, modelVersion, protocol }, rows, tookMs)
      recent.answered(name, { nowMs: clock.nowMs(), revision, rows, tookMs })
      return answer
    } catch (error) {
      const known = isKnown(name)
      meters.failed(known ? name : '', protocol, error)
      if (known)
        recent.failed(name, {
          atMs: clock.nowMs(),
          protocol,
          kind: kindOfError(error),
          message: messageOf(error),
        })
      throw error
    }
  }
}
