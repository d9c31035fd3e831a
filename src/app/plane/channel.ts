import { messageOf, Problem, type ProblemCode } from '#base/problem'

/** Functions that one process asks another for. */
// The arguments are those of each function; a common type for all of them would be none.
// oxlint-disable-next-line typescript/no-explicit-any
export type Calls = Readonly<Record<string, (...args: any[]) => unknown>>

/** The other side's functions, as they are asked for over a channel. */
export type Remote<Theirs extends Calls> = {
  readonly [Name in keyof Theirs]: (
    ...args: Parameters<Theirs[Name]>
  ) => Promise<Awaited<ReturnType<Theirs[Name]>>>
}

interface Ask {
  readonly ask: number
  readonly name: string
  readonly args: readonly unknown[]
}

type Message =
  | Ask
  | { readonly answer: number; readonly value: unknown }
  | { readonly answer: number; readonly problem: SentProblem }

interface SentProblem {
  readonly code: ProblemCode | null
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
}

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

export interface Channel<Theirs extends Calls> {
  readonly theirs: Remote<Theirs>
  /** Rejects what waits for the other side, which has ended. */
  end(): void
}

/** A process that was forked, or the one that forked this one. */
interface OtherProcess {
  readonly connected: boolean
  send?(message: Message, sent: () => void): boolean
  on(event: 'message', listener: (message: Message) => void): unknown
}

/** Calls in both directions between a process and one that it forked. What is sent is copied, so it must be plain data. */
export function openChannel<Theirs extends Calls>(
  other: OtherProcess,
  ours: Calls,
): Channel<Theirs> {
  const waiting = new Map<number, Waiting>()
  let last = 0
  const send = (message: Message) => {
    // A channel that breaks shows as the end of the other side, which settles everything.
    if (other.connected) other.send?.(message, () => undefined)
  }
  const answer = async ({ ask, name, args }: Ask) => {
    try {
      const asked = ours[name]
      if (asked === undefined) throw new Error(`the other process has no ${name}`)
      send({ answer: ask, value: await asked(...args) })
    } catch (error) {
      send({ answer: ask, problem: sent(error) })
    }
  }
  other.on('message', (message: Message) => {
    if ('ask' in message) {
      void answer(message)
      return
    }
    const asked = waiting.get(message.answer)
    waiting.delete(message.answer)
    if ('problem' in message) asked?.reject(received(message.problem))
    else asked?.resolve(message.value)
  })
  const call = (name: string, args: readonly unknown[]) =>
    new Promise<unknown>((resolve, reject) => {
      if (!other.connected) return reject(gone())
      last += 1
      waiting.set(last, { resolve, reject })
      return send({ ask: last, name, args })
    })
  return {
    theirs: new Proxy({} as Remote<Theirs>, {
      get:
        (_, name) =>
        (...args: unknown[]) =>
          call(String(name), args),
    }),
    end: () => {
      for (const { reject } of waiting.values()) reject(gone())
      waiting.clear()
    },
  }
}

function gone(): Problem {
  return new Problem(
    'unavailable',
    'the process that answers predictions has ended and is started again; try again',
  )
}

function sent(error: unknown): SentProblem {
  return error instanceof Problem
    ? { code: error.code, message: error.message, details: error.details }
    : { code: null, message: messageOf(error), details: {} }
}

function received({ code, message, details }: SentProblem): Error {
  return code === null ? new Error(message) : new Problem(code, message, details)
}
