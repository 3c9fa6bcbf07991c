import { describe, expect, it } from 'vitest';
import { DeviceLoss } from './device-loss.ts';

function losable(): { lost: Promise<string>; lose: () => void } {
  let resolve: (reason: string) => void = () => undefined;
  const promise = new Promise<string>((settle) => {
    resolve = settle;
  });
  return { lost: promise, lose: () => resolve('taken away') };
}

describe('DeviceLoss', () => {
  it('settles as the work does and keeps nothing of it', async () => {
    const loss = new DeviceLoss(losable());
    expect(await loss.guard(Promise.resolve(7))).toBe(7);
    await expect(loss.guard(Promise.reject(new Error('bad')))).rejects.toThrow('bad');
    expect(loss.waitingCount).toBe(0);
  });

  it('rejects what waits, and what comes later, when the device goes', async () => {
    const device = losable();
    const loss = new DeviceLoss(device);
    const waiting = loss.guard(new Promise<never>(() => undefined));
    device.lose();
    await expect(waiting).rejects.toMatchObject({ code: 'device-lost', detail: 'taken away' });
    await expect(loss.guard(Promise.resolve(1))).rejects.toMatchObject({ code: 'device-lost' });
    expect(loss.waitingCount).toBe(0);
  });

  it('tells a lost device from a living one, also when the report comes after the error', async () => {
    const device = losable();
    const loss = new DeviceLoss(device);
    expect(await loss.happened()).toBe(false);
    const late = loss.happened();
    device.lose();
    expect(await late).toBe(true);
    expect(await loss.happened()).toBe(true);
  });
});
