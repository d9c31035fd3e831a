import { CopyButton } from './copy-button.tsx'

/** A command to type, with a button that copies it. */
export function Command({ text }: { text: string }) {
  return (
    <div className="flex items-center gap-2 rounded-lg border border-line bg-sunken py-1 pr-1 pl-3">
      <code className="min-w-0 flex-1 text-[0.8125rem] wrap-anywhere text-ink">{text}</code>
      <CopyButton text={text} of={text} />
    </div>
  )
}

/** Several lines of code, or of a file, with a button that copies them. */
export function CodeBlock({ name, text, copy }: { name: string; text: string; copy?: string }) {
  return (
    <div className="flex min-w-0 flex-col gap-2">
      <pre
        // What scrolls has to be reached by keyboard.
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        aria-label={name}
        className="max-h-[36rem] overflow-auto rounded-lg border border-line bg-sunken p-3 text-xs leading-relaxed text-ink"
      >
        {text}
      </pre>
      {copy === undefined ? null : (
        <div>
          <CopyButton text={text} of={name} words={copy} />
        </div>
      )}
    </div>
  )
}

/** What a part shows while it has nothing to show: why, and what to type next. */
export function Empty({ why, commands }: { why: string; commands: readonly string[] }) {
  return (
    <div className="flex max-w-prose flex-col gap-2 text-sm text-ink-2">
      <p>{why}</p>
      {commands.map((command) => (
        <Command key={command} text={command} />
      ))}
    </div>
  )
}
