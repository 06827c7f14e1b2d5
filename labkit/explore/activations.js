// Runs once for each explorer, when its hidden 1-pixel image has loaded: the pointer moves the point.
// It types into the slider's own field, so Python hears of it as of any other move of the slider.
(function start(image) {
  const root = image.closest('.labkit-explorer');
  if (!root) { requestAnimationFrame(() => start(image)); return; } // not in the page yet
  if (root.labkitDragged) return;
  root.labkitDragged = true;
  const { low, high, panels } = JSON.parse(image.dataset.place); // panels: left and right edge, 0 to 1

  const isPicture = (node) => node.matches?.('img[width]');
  const field = () => [...root.querySelectorAll('.widget-slider')]
    .find((box) => box.querySelector('.widget-label')?.textContent.trim() === 'x')
    ?.querySelector('.widget-readout');

  let panel = null; // the one in which the drag began
  let wanted = null;
  function point(event) {
    const box = root.querySelector('img[width]').getBoundingClientRect();
    const across = (event.clientX - box.left) / box.width;
    panel ??= panels.find(([left, right]) => across >= left && across <= right) ?? null;
    if (!panel) return;
    const share = Math.min(1, Math.max(0, (across - panel[0]) / (panel[1] - panel[0])));
    if (wanted === null) requestAnimationFrame(send); // one message a frame is enough
    wanted = (low + share * (high - low)).toFixed(2);
  }
  function send() {
    const readout = field();
    readout.textContent = wanted;
    const enter = { key: 'Enter', keyCode: 13, bubbles: true };
    readout.dispatchEvent(new KeyboardEvent('keydown', enter));
    wanted = null;
  }

  root.addEventListener('pointerdown', (event) => {
    if (!isPicture(event.target) || event.button !== 0) return;
    event.preventDefault(); // else the browser drags the picture away
    panel = null;
    point(event);
    if (!panel) return;
    root.setPointerCapture(event.pointerId); // the picture is a new one after every move
    root.addEventListener('pointermove', point);
  });
  for (const end of ['pointerup', 'pointercancel']) {
    root.addEventListener(end, () => root.removeEventListener('pointermove', point));
  }
  root.addEventListener('dragstart', (event) => event.preventDefault());
})
