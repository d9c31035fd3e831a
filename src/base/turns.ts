/** Does what is to be done under one name one after the other, in the order in which it came; other names do not wait. */
export type InTurn = <Result>(name: string, work: () => Promise<Result>) => Promise<Result>

/** Nobody's failure hinders the next. */
export function createTurns(): InTurn {
  const last = new Map<string, Promise<void>>()
  return (name, work) => {
    const result = (last.get(name) ?? Promise.resolve()).then(work)
    const over = settled(result).finally(() => {
      if (last.get(name) === over) last.delete(name)
    })
    last.set(name, over)
    return result
  }
}

async function settled(result: Promise<unknown>): Promise<void> {
  await Promise.allSettled([result])
}
