import { beforeEach, describe, expect, it } from 'vitest';
import { fakeManifest } from '@/engine/fake/fake-model.ts';
import { conversationTexts, setTurn } from './conversation.ts';
import { editConversation, restoreReplaced, useInspect, wantsScoring } from './inspect-store.ts';
import { encodeLink, type LinkState } from './link-codec.ts';
import { linkMismatch, openFromQuery, useOpenedLink } from './opened-link.ts';

beforeEach(() => {
  useInspect.setState(useInspect.getInitialState(), true);
  useOpenedLink.setState(useOpenedLink.getInitialState(), true);
});

const state: LinkState = {
  v: 1,
  model: { from: 'embedded', id: 'a@1' },
  view: { name: 'inspect', rewards: 'adjusted' },
  conversation: { system: 's', turns: ['q'], responses: ['a', 'b', 'c'] },
};
function query(link: LinkState): string {
  const result = encodeLink(link);
  if (!result.ok) throw new Error(result.problem.message);
  return `s=${result.packed}`;
}

describe('a link', () => {
  it('opens its texts and its view, and is scored once there is a model', async () => {
    await openFromQuery(query(state));
    const { conversation, rewardView, origin } = useInspect.getState();
    expect(conversationTexts(conversation)).toEqual(state.conversation);
    expect([rewardView, origin]).toEqual(['adjusted', { kind: 'link' }]);
    expect(wantsScoring(useInspect.getState())).toBe(true);
    expect(useOpenedLink.getState().link?.model).toEqual(state.model);
  });
  it('without texts leaves those on the page', async () => {
    const before = useInspect.getState().conversation;
    await openFromQuery(query({ v: 1, model: state.model, view: { name: 'inspect' } }));
    expect(useInspect.getState().conversation).toBe(before);
  });
  it('never loses edited texts', async () => {
    editConversation((all) => setTurn(all, all.turns[0]?.id ?? -1, 'mine'));
    const mine = useInspect.getState().conversation;
    await openFromQuery(query(state));
    expect(useInspect.getState().conversation).not.toBe(mine);
    restoreReplaced();
    expect(useInspect.getState().conversation).toBe(mine);
  });
  it('that is refused changes nothing and says why', async () => {
    const before = useInspect.getState();
    await openFromQuery('s=nonsense');
    expect(useInspect.getState()).toBe(before);
    expect(useOpenedLink.getState().problem?.code).toBe('damaged');
    await openFromQuery('example=none');
    expect(useOpenedLink.getState().problem?.message).toContain('no example named “none”');
    await openFromQuery('');
    expect(useInspect.getState()).toBe(before);
  });
  it('opens an example by its name', async () => {
    await openFromQuery('example=flattery');
    expect(useInspect.getState().origin).toEqual({ kind: 'example', name: 'flattery' });
  });
});

describe('the model of a link', () => {
  const base = 'https://host.example/app/';
  const loaded = (id: string) => ({ manifest: { ...fakeManifest, id } });
  const embedded = { kind: 'embedded' } as const;
  const url = { kind: 'url', url: 'https://host.example/m/' } as const;
  const link = (model: LinkState['model']): LinkState => ({ ...state, model });
  const byUrl = link({ from: 'url', url: 'https://host.example/m/', id: 'a@1' });
  it('is the one in use: nothing is said, wherever it came from', () => {
    expect(linkMismatch(state, embedded, loaded('a@1'), base)).toBeUndefined();
    expect(linkMismatch(link({ from: 'folder', name: 'f', id: 'a@1' }), embedded, loaded('a@1'), base)).toBeUndefined();
    expect(linkMismatch(byUrl, url, undefined, base)).toBeUndefined();
  });
  it('is another one: it is offered where it can be had', () => {
    expect(linkMismatch(byUrl, embedded, loaded('b@2'), base)).toEqual({
      message: expect.stringContaining('the model at https://host.example/m/') as string,
      offer: url,
    });
    expect(linkMismatch(state, url, loaded('b@2'), base)?.offer).toEqual(embedded);
    const folder = linkMismatch(link({ from: 'folder', name: 'mine', id: 'c@3' }), embedded, loaded('b@2'), base);
    expect(folder).toEqual({ message: expect.stringContaining('“mine”') as string, offer: undefined });
  });
  it('has changed in its place: that is said', () => {
    expect(linkMismatch(state, embedded, loaded('b@2'), base)?.message).toContain('now holds b@2');
    expect(linkMismatch(state, embedded, undefined, base)).toBeUndefined();
  });
});
