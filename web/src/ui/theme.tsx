import { Monitor, Moon, Sun } from 'lucide-react'
import { useSyncExternalStore } from 'react'

const CHOICES = [
  { choice: 'light', label: 'Light', Icon: Sun },
  { choice: 'system', label: 'As the system', Icon: Monitor },
  { choice: 'dark', label: 'Dark', Icon: Moon },
] as const

type Choice = (typeof CHOICES)[number]['choice']

const KEY = 'orrery-theme'
const systemIsDark = matchMedia('(prefers-color-scheme: dark)')
const readers = new Set<() => void>()

/** `light` or `dark`, as it is painted now; charts draw themselves anew when it changes. */
export function usePaintedTheme(): 'light' | 'dark' {
  return useSyncExternalStore(subscribe, painted)
}

export function ThemeSwitch() {
  const current = useSyncExternalStore(subscribe, chosen)
  return (
    <fieldset className="flex rounded-lg border border-line bg-surface p-0.5">
      <legend className="sr-only">Colours</legend>
      {CHOICES.map(({ choice, label, Icon }) => (
        <label
          key={choice}
          title={label}
          className="grid size-7 cursor-pointer place-items-center rounded-md text-ink-3 hover:text-ink has-checked:bg-sunken has-checked:text-ink has-focus-visible:outline-2 has-focus-visible:outline-offset-1 has-focus-visible:outline-accent"
        >
          <input
            type="radio"
            name="theme"
            className="sr-only"
            checked={current === choice}
            onChange={() => choose(choice)}
          />
          <Icon aria-hidden size={15} strokeWidth={1.75} />
          <span className="sr-only">{label}</span>
        </label>
      ))}
    </fieldset>
  )
}

function chosen(): Choice {
  const kept = localStorage.getItem(KEY)
  return CHOICES.find(({ choice }) => choice === kept)?.choice ?? 'system'
}

function painted(): 'light' | 'dark' {
  return document.documentElement.dataset['theme'] === 'dark' ? 'dark' : 'light'
}

function choose(choice: Choice): void {
  localStorage.setItem(KEY, choice)
  paint()
}

function paint(): void {
  const choice = chosen()
  const dark = choice === 'dark' || (choice === 'system' && systemIsDark.matches)
  document.documentElement.dataset['theme'] = dark ? 'dark' : 'light'
  for (const reader of readers) reader()
}

function subscribe(reader: () => void): () => void {
  if (readers.size === 0) systemIsDark.addEventListener('change', paint)
  readers.add(reader)
  return () => {
    readers.delete(reader)
    if (readers.size === 0) systemIsDark.removeEventListener('change', paint)
  }
}
