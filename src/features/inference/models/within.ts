/** Waits for a promise, but not for ever; gives whether it came to its end. */
export async function within(promise: Promise<unknown>, limitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const isDone = await Promise.race([
    promise.then(() => true),
    new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), limitMs)
    }),
  ])
  clearTimeout(timer)
  return isDone
}
