import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { CornerDownLeft } from 'lucide-react'
import { useDeferredValue, useEffect, useRef, useState, type KeyboardEvent } from 'react'
import { foundQuery } from '#web/api/found.ts'
import { goalsOf, type Goal } from './goals.ts'

/** Finds pages, experiments, runs and models by their names, predictions by their ids, and goes there. */
export function GoTo({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const navigate = useNavigate()
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const letters = useDeferredValue(text.trim())
  const { data, error, isFetching } = useQuery(foundQuery(letters))
  const goals = goalsOf(text.trim(), text.trim() === '' ? undefined : data)
  const chosen = Math.min(at, goals.length - 1)
  useEffect(() => dialog.current?.showModal(), [])
  const go = (goal: Goal | undefined) => {
    if (goal === undefined) return
    dialog.current?.close()
    void navigate(goal.where)
  }
  const onKey = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step !== undefined) {
      event.preventDefault()
      setAt((chosen + step + goals.length) % Math.max(1, goals.length))
    } else if (event.key === 'Enter') {
      event.preventDefault()
      go(goals[chosen])
    }
  }
  return (
    <dialog
      ref={dialog}
      aria-label="Go to"
      onClose={onClose}
      className="mx-auto mt-[12vh] w-[calc(100%-2rem)] max-w-xl overflow-hidden rounded-xl border border-line bg-surface text-ink backdrop:bg-black/40"
    >
      <input
        role="combobox"
        aria-label="Go to"
        aria-expanded
        aria-controls="goals"
        aria-activedescendant={goals[chosen] === undefined ? undefined : `goal-${chosen}`}
        placeholder="Go to a page, an experiment, a run, a model…"
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(event) => {
          setText(event.target.value)
          setAt(0)
        }}
        onKeyDown={onKey}
        className="h-12 w-full border-b border-line bg-transparent px-4 text-base text-ink outline-none placeholder:text-ink-3"
      />
      <Goals goals={goals} chosen={chosen} onGo={go} />
      {error === null ? (
        <output className="block px-4 pb-3 text-[0.8125rem] text-ink-3">
          {goals.length === 0 && !isFetching ? 'Nothing has such a name.' : ''}
        </output>
      ) : (
        <p role="alert" className="px-4 pb-3 text-[0.8125rem] text-bad">
          {error.message}
        </p>
      )}
    </dialog>
  )
}

function Goals({
  goals,
  chosen,
  onGo,
}: {
  goals: readonly Goal[]
  chosen: number
  onGo: (goal: Goal) => void
}) {
  return (
    // A list whose field keeps the keyboard; HTML has no element for it.
    // oxlint-disable-next-line jsx-a11y/prefer-tag-over-role
    <div id="goals" role="listbox" aria-label="Goals" className="max-h-[50vh] overflow-auto p-2">
      {goals.map((goal, place) => (
        <Line
          key={goal.key}
          goal={goal}
          id={`goal-${place}`}
          isChosen={place === chosen}
          onGo={onGo}
        />
      ))}
    </div>
  )
}

function Line({
  goal,
  id,
  isChosen,
  onGo,
}: {
  goal: Goal
  id: string
  isChosen: boolean
  onGo: (goal: Goal) => void
}) {
  const { Icon } = goal
  return (
    // The keyboard stays in the field, as in every combobox; the pointer may press here.
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      id={id}
      // oxlint-disable-next-line jsx-a11y/prefer-tag-over-role
      role="option"
      tabIndex={-1}
      aria-selected={isChosen}
      ref={(element) => (isChosen ? element?.scrollIntoView({ block: 'nearest' }) : undefined)}
      className={`flex min-h-9 cursor-pointer items-center gap-2.5 rounded-md px-2 text-sm ${isChosen ? 'bg-sunken' : 'hover:bg-sunken'}`}
      onClick={() => onGo(goal)}
    >
      <Icon aria-hidden size={15} className="shrink-0 text-ink-3" />
      <span className="min-w-0 truncate">{goal.words}</span>
      <span className="ml-auto max-w-[50%] shrink-0 truncate text-xs text-ink-3">{goal.of}</span>
      {isChosen ? <CornerDownLeft aria-hidden size={13} className="shrink-0 text-ink-3" /> : null}
    </div>
  )
}
