// Checks a Quartier log over HTTP with nothing but golang.org/x/mod: its signed notes, its tiles
// and its tree code know nothing of Quartier.
//
//	interop URL VKEY [OLD-CHECKPOINT-FILE]
//
// It opens the checkpoint with the key, reads every entry bundle, finds each entry's hash in the
// tree by proofs made from the tiles, and proves that the tree extends every smaller one that is
// tried, among them that of the old checkpoint. It prints what it saw as JSON.
package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

type log struct {
	url   string
	tiles map[string][]byte
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) < 2 {
		return fmt.Errorf("use: interop URL VKEY [OLD-CHECKPOINT-FILE]")
	}
	source := &log{strings.TrimRight(arguments[0], "/"), map[string][]byte{}}
	verifier, err := note.NewVerifier(arguments[1])
	if err != nil {
		return err
	}
	signed, err := source.get("checkpoint")
	if err != nil {
		return err
	}
	tree, err := open(signed, verifier)
	if err != nil {
		return err
	}
	hashes := tlog.TileHashReader(tree, source)
	included, err := source.checkInclusion(tree, hashes)
	if err != nil {
		return err
	}
	consistent, err := checkConsistency(tree, hashes)
	if err != nil {
		return err
	}
	if len(arguments) > 2 {
		if err := checkOld(arguments[2], verifier, tree, hashes); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"size": tree.N, "included": included, "consistent": consistent, "tiles": len(source.tiles),
	})
}

// open verifies a note and reads the checkpoint in it: origin, size, root.
func open(signed []byte, verifier note.Verifier) (tlog.Tree, error) {
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("not a checkpoint of %s: %q", verifier.Name(), opened.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

// checkInclusion compares every entry of every bundle with its hash in the tree, and its place with
// the position it names. Every so many it also makes and checks a proof.
func (source *log) checkInclusion(tree tlog.Tree, hashes tlog.HashReader) (int64, error) {
	for start := int64(0); start < tree.N; start += 1 << height {
		width := min(tree.N-start, 1<<height)
		data, err := source.get("tile/entries/" + suffix(start>>height, int(width)))
		if err != nil {
			return 0, err
		}
		indexes := make([]int64, width)
		for i := range indexes {
			indexes[i] = tlog.StoredHashIndex(0, start+int64(i))
		}
		known, err := hashes.ReadHashes(indexes)
		if err != nil {
			return 0, err
		}
		for i := range known {
			var entry []byte
			if entry, data, err = next(data); err != nil {
				return 0, err
			}
			if err := checkEntry(entry, start+int64(i), known[i], tree, hashes); err != nil {
				return 0, fmt.Errorf("entry %d: %w", start+int64(i), err)
			}
		}
		if len(data) != 0 {
			return 0, fmt.Errorf("bundle %d has %d bytes too many", start>>height, len(data))
		}
	}
	return tree.N, nil
}

func checkEntry(entry []byte, index int64, known tlog.Hash, tree tlog.Tree, hashes tlog.HashReader) error {
	var said struct{ Position int64 }
	if err := json.Unmarshal(entry, &said); err != nil || said.Position != index+1 {
		return fmt.Errorf("it says that it is at position %d", said.Position)
	}
	if tlog.RecordHash(entry) != known {
		return fmt.Errorf("it is not the one in the tree")
	}
	if index%(1+tree.N/500) != 0 {
		return nil
	}
	proof, err := tlog.ProveRecord(tree.N, index, hashes)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, tree.N, tree.Hash, index, known)
}

func next(data []byte) (entry, rest []byte, err error) {
	if len(data) < 2 {
		return nil, nil, io.ErrUnexpectedEOF
	}
	size := int(binary.BigEndian.Uint16(data))
	if len(data) < 2+size {
		return nil, nil, io.ErrUnexpectedEOF
	}
	return data[2 : 2+size], data[2+size:], nil
}

// checkConsistency proves that the tree extends smaller ones, whose roots it takes from the tiles.
func checkConsistency(tree tlog.Tree, hashes tlog.HashReader) (int, error) {
	count := 0
	for size := int64(1); size <= tree.N; size += 1 + tree.N/100 {
		root, err := tlog.TreeHash(size, hashes)
		if err != nil {
			return 0, err
		}
		if err := extends(tree, tlog.Tree{N: size, Hash: root}, hashes); err != nil {
			return 0, err
		}
		count++
	}
	return count, nil
}

func checkOld(file string, verifier note.Verifier, tree tlog.Tree, hashes tlog.HashReader) error {
	signed, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	old, err := open(signed, verifier)
	if err != nil {
		return err
	}
	return extends(tree, old, hashes)
}

func extends(tree, old tlog.Tree, hashes tlog.HashReader) error {
	if old.N > tree.N {
		return fmt.Errorf("the log has %d leaves, the old checkpoint %d", tree.N, old.N)
	}
	proof, err := tlog.ProveTree(tree.N, old.N, hashes)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash); err != nil {
		return fmt.Errorf("tree of %d does not extend tree of %d: %w", tree.N, old.N, err)
	}
	return nil
}

// Height, ReadTiles and SaveTiles make it a tlog.TileReader.
func (source *log) Height() int { return height }

func (source *log) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		path := fmt.Sprintf("tile/%d/%s", tile.L, suffix(tile.N, tile.W))
		data, known := source.tiles[path]
		if !known {
			var err error
			if data, err = source.get(path); err != nil {
				return nil, err
			}
			if len(data) != tile.W*tlog.HashSize {
				return nil, fmt.Errorf("%s has %d bytes", path, len(data))
			}
			source.tiles[path] = data
		}
		all = append(all, data)
	}
	return all, nil
}

func (source *log) SaveTiles([]tlog.Tile, [][]byte) {}

// suffix writes a tile's index as x001/x234/067, and its width if it is partial.
func suffix(index int64, width int) string {
	path := tlog.Tile{H: height, L: 0, N: index, W: width}.Path()
	return strings.TrimPrefix(path, fmt.Sprintf("tile/%d/0/", height))
}

func (source *log) get(path string) ([]byte, error) {
	response, err := http.Get(source.url + "/" + path)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, response.Status)
	}
	return io.ReadAll(response.Body)
}
