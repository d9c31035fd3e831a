/** The day at whose end the registry is told; none is now. */
export function AsOf({
  value,
  onChange,
}: {
  value: string | undefined
  onChange: (day: string | undefined) => void
}) {
  return (
    <div className="flex items-center gap-2 text-sm">
      <label className="flex items-center gap-2">
        As of
        <input
          type="date"
          className="field w-auto"
          value={value ?? ''}
          onChange={(event) => onChange(event.target.value || undefined)}
        />
      </label>
      {value === undefined ? null : (
        <button type="button" className="button" onClick={() => onChange(undefined)}>
          Now
        </button>
      )}
    </div>
  )
}
