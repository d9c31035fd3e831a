/**
 * A detector of change in a stream, one value at a time. Its state is plain JSON, so that it is kept between
 * restarts; `update` changes it. After a drift it starts anew with the next value.
 */
export interface Detector<State> {
  start(): State
  update(state: State, value: number): Signal
}

/** `warning`: something may be about to change; `drift`: it has. */
export interface Signal {
  readonly drift: boolean
  readonly warning: boolean
}

/** What every state holds: what was said last, which lasts until something else is said. */
export interface Said {
  drift: boolean
  warning: boolean
}

export const QUIET: Said = { drift: false, warning: false }

/** A detector that is made anew by the value after a drift. */
export function restarting<State extends Said>(
  start: () => State,
  take: (state: State, value: number) => void,
): Detector<State> {
  return {
    start,
    update: (state, value) => {
      if (state.drift) Object.assign(state, start())
      take(state, value)
      return { drift: state.drift, warning: state.warning }
    },
  }
}

/** A mean that grows with each value. */
export interface RunningMean {
  n: number
  mean: number
}

export function addTo(running: RunningMean, value: number): void {
  running.n++
  running.mean += (1 / running.n) * (value - running.mean)
}
