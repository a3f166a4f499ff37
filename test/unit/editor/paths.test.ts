import { strict as assert } from 'node:assert';
import { posix, win32 } from 'node:path';
import { isSamePath, pathInside } from '../../../src/editor/paths.ts';

describe('paths', () => {
  it('are the same on Windows whatever the case of the drive and the names', () => {
    const editor = 'c:\\Users\\Ada\\work';
    assert.ok(isSamePath(editor, 'C:\\Users\\Ada\\work', win32));
    assert.ok(isSamePath(editor, 'c:/users/ada/WORK/', win32));
    assert.ok(!isSamePath(editor, 'D:\\Users\\Ada\\work', win32));
    assert.ok(!isSamePath(editor, 'C:\\Users\\Ada\\work\\connectors', win32));
    assert.ok(isSamePath('\\\\server\\share\\work', '\\\\SERVER\\share\\work\\', win32));
    assert.ok(!isSamePath('\\\\server\\share\\work', '\\\\server\\other\\work', win32));
  });

  it('are the same elsewhere only letter by letter', () => {
    assert.ok(isSamePath('/home/ada/work', '/home/ada/work/', posix));
    assert.ok(!isSamePath('/home/ada/work', '/home/Ada/work', posix));
  });

  it('lead into a folder with slashes', () => {
    const folder = 'c:\\Users\\Ada\\work\\connectors\\source-x';
    assert.equal(
      pathInside(folder, 'C:\\Users\\Ada\\work\\connectors\\source-x\\src\\utils.py', win32),
      'src/utils.py',
    );
    assert.equal(
      pathInside('\\\\server\\share\\x', '\\\\server\\share\\x\\tests\\a.py', win32),
      'tests/a.py',
    );
    assert.equal(pathInside('/w/x', '/w/x/src/utils.py', posix), 'src/utils.py');
    assert.equal(pathInside(folder, folder.toUpperCase(), win32), '');
    assert.equal(pathInside('/w/x', '/w/x/a\\b.py', posix), 'a\\b.py', 'which is one name there');
  });

  it('do not lead out of it', () => {
    for (const target of ['c:\\w\\other', 'c:\\w', 'D:\\w\\x\\a.py', '\\\\server\\share\\w\\x', 'c:\\w\\xy'])
      assert.equal(pathInside('c:\\w\\x', target, win32), undefined, target);
    for (const target of ['/w', '/w/other', '/w/xy', '/'])
      assert.equal(pathInside('/w/x', target, posix), undefined, target);
  });

  it('take a name that begins with dots for a name', () => {
    assert.equal(pathInside('/w', '/w/..connectors/a', posix), '..connectors/a');
    assert.equal(pathInside('c:\\w', 'C:\\w\\...\\a', win32), '.../a');
  });
});
