/** Server-sent events out of the bytes of an answer. */
export async function* eventsIn(
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ event: string; data: string }> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of bytes) {
    const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n')
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const fields = block.split('\n')
      const of = (name: string) =>
        fields.flatMap((line) =>
          line.startsWith(`${name}: `) ? [line.slice(name.length + 2)] : [],
        )
      const data = of('data').join('\n')
      if (data !== '') yield { event: of('event')[0] ?? 'message', data }
    }
  }
}
