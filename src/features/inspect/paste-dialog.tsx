/** A conversation from JSON, or a whole inspection from its file. */
import { Button, Textarea } from '@mantine/core';
import { useState } from 'react';
import { Dialog } from '@/components/dialog.tsx';
import { importText } from '@/queries/inspection-import.ts';
import { trackWork } from '@/state/pending-work.ts';
import type { DialogProps } from './inspect-dialogs.tsx';
import classes from './inspect-dialogs.module.css';

const placeholder = `[{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]
{"prompt": "…", "chosen": "…", "rejected": "…"}
{"prompt": "…", "responses": ["…", "…"]}
{"conversations": [{"from": "human", "value": "…"}, {"from": "gpt", "value": "…"}]}`;

export function PasteDialog({ onClose }: DialogProps) {
  const [text, setText] = useState('');
  const [problem, setProblem] = useState<string>();
  const read = async (json: string, name: string | undefined) => {
    const why = await importText(json, name);
    if (why === undefined) onClose();
    else setProblem(why);
  };
  return (
    <Dialog title="Paste or open JSON" onClose={onClose}>
      <form
        className={classes.body}
        onSubmit={(event) => {
          event.preventDefault();
          void trackWork(read(text, undefined));
        }}
      >
        <Textarea
          label="Conversation as JSON"
          description="Messages, a prompt with responses or with chosen and rejected, ShareGPT, a chat API’s answer, or a whole inspection."
          placeholder={placeholder}
          autosize
          minRows={7}
          maxRows={14}
          spellCheck={false}
          value={text}
          error={problem}
          onChange={(event) => {
            setText(event.currentTarget.value);
            setProblem(undefined);
          }}
          classNames={{ input: classes.code ?? '' }}
        />
        <div className={classes.row}>
          <Button type="submit" size="sm">
            Use it
          </Button>
          <label className={classes.fileButton}>
            Open a file …
            <input
              type="file"
              className="visually-hidden"
              accept=".json,application/json"
              aria-label="Open a JSON file"
              onChange={(event) => {
                const file = event.currentTarget.files?.[0];
                if (file !== undefined) void trackWork(file.text().then((json) => read(json, file.name)));
              }}
            />
          </label>
          <span className="muted small">or drop a file anywhere on the page. Nothing is sent.</span>
        </div>
      </form>
    </Dialog>
  );
}
